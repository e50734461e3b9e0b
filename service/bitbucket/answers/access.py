"""How access is given, and how it is refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from service.bitbucket.answers.parts import Answer


class AccessToken(Answer, frozen=True, kw_only=True):
    """https://developer.atlassian.com/cloud/bitbucket/oauth-2/: `expires_in` is in seconds."""

    access_token: Annotated[str, msgspec.Meta(pattern="^[!-~]+$")]  # it goes into a header
    expires_in: float = 7200.0

    def __repr__(self) -> str:
        return f"AccessToken(expires_in={self.expires_in})"


class ErrorDetail(Answer, frozen=True, kw_only=True):
    """`detail` is text, or an object that names the scopes required and granted; `fields` says what is wrong where."""

    message: str = ""
    detail: Any = None
    fields: Any = None


class ErrorAnswer(Answer, frozen=True, kw_only=True):
    error: ErrorDetail
