"""Signing in by an account here: the page that asks, the token, and what the token tells.

https://developer.atlassian.com/cloud/bitbucket/oauth-2/ and `GET /user`, `GET /user/workspaces/{workspace}/permission`.
The page asks nobody: whoever sits before the browser has made up his mind.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from service.simulator.actors import Actor
from service.simulator.people import Consumer
from service.simulator.rest.answers import ApiError, answer
from service.simulator.rest.forms import Form
from service.simulator.shapes.people import actor

if TYPE_CHECKING:
    from service.simulator.simulator import Simulator


async def authorize(request: Request) -> Response:
    bitbucket: Simulator = request.app.state.bitbucket
    asked = request.query_params
    consumer = bitbucket.people.consumer(asked.get("client_id", ""))
    if consumer is None or asked.get("response_type") != "code":
        return PlainTextResponse("Invalid client_id, or a response_type other than code", 400)
    back = asked.get("redirect_uri") or consumer.callback_url
    if not back.startswith(consumer.callback_url):
        return PlainTextResponse("The redirect_uri is not below the consumer's callback URL", 400)
    told = {"state": asked["state"]} if "state" in asked else {}
    if not bitbucket.people.consents:
        told["error"] = "access_denied"
    else:
        told["code"] = bitbucket.people.code_for(
            consumer, asked.get("redirect_uri", ""), asked.get("code_challenge", "")
        )
    return RedirectResponse(f"{back}?{urlencode(told)}", 302)


def exchange(bitbucket: Simulator, authorization: str, form: Form) -> Response:
    """The token for a code."""
    consumer = _consumer(bitbucket, authorization)
    if consumer is None:
        return _refusal(401, "unauthorized_client", "No such client, or a wrong secret.")
    token = bitbucket.people.token_for(
        consumer, form.value("code"), form.value("redirect_uri"), form.value("code_verifier")
    )
    if token is None:
        return _refusal(400, "invalid_grant", "The specified code is not valid.")
    return JSONResponse(
        {
            "access_token": token,
            "refresh_token": token[::-1],
            "scopes": "account",
            "token_type": "bearer",
            "expires_in": 7200,
            "state": "authorization_code",
        }
    )


async def current_user(request: Request) -> Response:
    bitbucket: Simulator = request.app.state.bitbucket
    try:
        return answer(request, actor(_caller(bitbucket, request), bitbucket.url))
    except ApiError as error:
        return error.response()


async def permission(request: Request) -> Response:
    bitbucket: Simulator = request.app.state.bitbucket
    workspace = request.path_params["workspace"]
    try:
        who = _caller(bitbucket, request)
        if who.uuid not in bitbucket.people.members.get(workspace, set()):
            raise ApiError(403, "You do not have access to this workspace.")
    except ApiError as error:
        return error.response()
    place = {"type": "workspace", "slug": workspace, "uuid": bitbucket.cloud.workspace(workspace).uuid}
    told = {"type": "workspace_membership", "permission": "member", "workspace": place}
    return answer(request, {**told, "user": actor(who, bitbucket.url)})


def _caller(bitbucket: Simulator, request: Request) -> Actor:
    who = bitbucket.people.who(request.headers.get("authorization", ""))
    if who is None:
        raise ApiError(401, "Token is invalid, expired, or not supported for this endpoint.")
    return who


def _consumer(bitbucket: Simulator, authorization: str) -> Consumer | None:
    try:
        pair = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, _, secret = pair.partition(":")
    consumer = bitbucket.people.consumer(client_id)
    return consumer if consumer is not None and consumer.secret == secret else None


def _refusal(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
