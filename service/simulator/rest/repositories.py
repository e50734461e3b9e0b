"""The repository over REST, with its switch for Pipelines."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, body_of
from service.simulator.shapes.people import Json
from service.simulator.shapes.repositories import full, small


async def get_repository(request: Request, repository: Repository) -> Response:
    return answer(request, full(repository))


async def get_config(request: Request, repository: Repository) -> Response:
    return answer(request, _config(repository))


async def put_config(request: Request, repository: Repository) -> Response:
    """Turn Pipelines on or off."""
    sent = await body_of(request)
    if not isinstance(sent.get("enabled"), bool):
        raise ApiError(400, "Bad request", fields={"enabled": "required key not provided"})
    repository.pipelines_enabled = sent["enabled"]
    return answer(request, _config(repository))


async def put_build_number(request: Request, repository: Repository) -> Response:
    """Choose the next build number; it may only grow."""
    following = (await body_of(request)).get("next")
    if not isinstance(following, int) or following < repository.next_build:
        raise ApiError(400, "Bad request", fields={"next": f"must be an integer of at least {repository.next_build}"})
    repository.next_build = following
    return answer(request, {"type": "pipeline_build_number", "next": following})


def _config(repository: Repository) -> Json:
    enabled = repository.pipelines_enabled
    return {"type": "pipelines_config", "enabled": enabled, "repository": small(repository)}
