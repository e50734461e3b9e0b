"""The token endpoint of OAuth consumers.

https://developer.atlassian.com/cloud/bitbucket/oauth-2/: client credentials get an access token of two hours, no
refresh token, and the field is `scope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.simulator.rest.forms import read_form
from service.simulator.rest.people import exchange

if TYPE_CHECKING:
    from service.simulator.simulator import Simulator


async def access_token(request: Request) -> Response:
    bitbucket: Simulator = request.app.state.bitbucket
    form = await read_form(request)
    if form.value("grant_type") == "authorization_code":
        return exchange(bitbucket, request.headers.get("authorization", ""), form)
    if form.value("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "Use authorization_code or client_credentials.")
    credential = bitbucket.credentials.clients.get(request.headers.get("authorization", ""))
    if credential is None:
        return _refusal(401, "unauthorized_client", "No such client, or a wrong secret.")
    return JSONResponse(
        {
            "access_token": credential.header.removeprefix("Bearer "),
            "scope": " ".join(sorted(credential.scopes)),
            "token_type": "bearer",
            "expires_in": 7200,
            "state": "client_credentials",
        }
    )


def _refusal(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
