"""Environments with their deployments over REST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.repository import Repository
from service.simulator.rest.answers import (
    ApiError,
    answer,
    bad_uuid,
    body_of,
    in_order,
    not_found,
    page,
    require,
)
from service.simulator.rest.door import is_uuid
from service.simulator.settings import Environment
from service.simulator.shapes.settings import deployment, environment


async def list_environments(request: Request, repository: Repository) -> Response:
    return page(request, repository.environments, environment)


async def create_environment(request: Request, repository: Repository) -> Response:
    sent = await body_of(request)
    require(sent, ["name"])
    if any(known.name == sent["name"] for known in repository.environments):
        raise ApiError(409, f"An environment named '{sent['name']}' already exists.")
    one = Environment(sent["name"], (sent.get("environment_type") or {}).get("name", "Test"))
    repository.environments.append(one)
    return answer(request, environment(one), 201)


async def get_environment(request: Request, repository: Repository) -> Response:
    return answer(request, environment(environment_of(request, repository)))


async def delete_environment(request: Request, repository: Repository) -> Response:
    repository.environments.remove(environment_of(request, repository))
    return Response(status_code=204)


async def list_deployments(request: Request, repository: Repository) -> Response:
    """Oldest first unless `sort` says otherwise; there is no filter."""
    found = in_order(request, repository.deployments, {"state.started_on": lambda one: one.created_on})
    return page(request, found, deployment)


async def get_deployment(request: Request, repository: Repository) -> Response:
    name = request.path_params["deployment"]
    if not is_uuid(name):
        raise bad_uuid()
    for one in repository.deployments:
        if one.uuid == name:
            return answer(request, deployment(one))
    raise not_found("Not found", f"Deployment {name} does not exist.")


def environment_of(request: Request, repository: Repository) -> Environment:
    """The environment of the path."""
    name = request.path_params["environment"]
    if not is_uuid(name):
        raise bad_uuid()
    for one in repository.environments:
        if one.uuid == name:
            return one
    raise not_found("Not found", f"Environment {name} does not exist.")
