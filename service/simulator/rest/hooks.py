"""Webhook subscriptions over REST."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, body_of, not_found, page, require
from service.simulator.settings import HOOK_EVENTS, Hook
from service.simulator.shapes.people import Json
from service.simulator.shapes.settings import hook as shape

MAX_SECRET = 128


async def list_hooks(request: Request, repository: Repository) -> Response:
    return page(request, repository.hooks, lambda one: shape(repository, one))


async def create_hook(request: Request, repository: Repository) -> Response:
    sent = await body_of(request)
    require(sent, ["url", "events"])
    _check(sent)
    one = Hook(
        sent["url"],
        tuple(sent["events"]),
        repository.cloud.clock.now(),
        sent.get("secret") or "",
        sent.get("description", ""),
        sent.get("active", True),
    )
    repository.hooks.append(one)
    made = shape(repository, one)
    return answer(request, made, 201, location=made["links"]["self"]["href"])


async def get_hook(request: Request, repository: Repository) -> Response:
    return answer(request, shape(repository, _hook(request, repository)))


async def update_hook(request: Request, repository: Repository) -> Response:
    """Change what is sent. A secret that is left out stays; null or "" removes it."""
    one = _hook(request, repository)
    sent = await body_of(request)
    _check(sent)
    one.url = sent.get("url", one.url)
    one.events = tuple(sent.get("events", one.events))
    one.description = sent.get("description", one.description)
    one.active = sent.get("active", one.active)
    if "secret" in sent:
        one.secret = sent["secret"] or ""
    return answer(request, shape(repository, one))


async def delete_hook(request: Request, repository: Repository) -> Response:
    repository.hooks.remove(_hook(request, repository))
    return Response(status_code=204)


def _check(sent: Json) -> None:
    events: Any = sent.get("events", [])
    unknown = [event for event in events if event not in HOOK_EVENTS]
    if unknown:
        raise ApiError(400, "Bad request", fields={"events": f"{unknown[0]} is not an event"})
    if len(sent.get("secret") or "") > MAX_SECRET:
        raise ApiError(400, "Bad request", fields={"secret": f"longer than maximum length {MAX_SECRET}"})


def _hook(request: Request, repository: Repository) -> Hook:
    """By uuid; here the braces may be left out."""
    name = request.path_params["hook"].strip("{}")
    for one in repository.hooks:
        if one.uuid.strip("{}") == name:
            return one
    raise not_found(f"Webhook {name} not found")
