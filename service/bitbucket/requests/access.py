"""How an OAuth consumer asks for a token."""

from __future__ import annotations

from service.bitbucket import answers
from service.bitbucket.requests.request import JSON, Request


def access_token() -> Request[answers.AccessToken]:
    """A token for an OAuth consumer: below the site, not below the base."""
    headers = {"Accept": JSON, "Content-Type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials"
    return Request("POST", "/site/oauth2/access_token", answers.AccessToken, headers=headers, body=body)
