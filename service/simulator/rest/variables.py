"""Variables over REST, of a repository or of a deployment environment."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, bad_uuid, body_of, not_found, page, require
from service.simulator.rest.door import is_uuid
from service.simulator.rest.environments import environment_of
from service.simulator.settings import AlreadyThere, Variable, Variables
from service.simulator.shapes.settings import variable as shape


async def list_variables(request: Request, repository: Repository) -> Response:
    return page(request, list(_variables(request, repository)), shape)


async def create_variable(request: Request, repository: Repository) -> Response:
    sent = await body_of(request)
    require(sent, ["key"])
    try:
        one = _variables(request, repository).add(
            sent["key"], str(sent.get("value", "")), secured=bool(sent.get("secured"))
        )
    except AlreadyThere as error:
        raise ApiError(409, str(error)) from error
    return answer(request, shape(one), 201, location=f"{request.url}/{quote(one.uuid)}")


async def get_variable(request: Request, repository: Repository) -> Response:
    return answer(request, shape(_variable(request, repository)))


async def update_variable(request: Request, repository: Repository) -> Response:
    """Replace key, value and secured together: a secured value is not kept when only its other fields are sent."""
    sent = await body_of(request)
    require(sent, ["key"])
    one = _variable(request, repository)
    others = [other for other in _variables(request, repository) if other is not one]
    if any(other.key == sent["key"] for other in others):
        raise ApiError(409, f"A variable with key '{sent['key']}' already exists.")
    if one.secured and "value" not in sent:
        raise ApiError(400, "Bad request", fields={"value": "required key not provided"})
    one.key, one.value = sent["key"], str(sent.get("value", one.value))
    one.secured = bool(sent.get("secured", one.secured))
    return answer(request, shape(one))


async def delete_variable(request: Request, repository: Repository) -> Response:
    _variables(request, repository).remove(_variable(request, repository).uuid)
    return Response(status_code=204)


def _variables(request: Request, repository: Repository) -> Variables:
    if "environment" in request.path_params:
        return environment_of(request, repository).variables
    return repository.variables


def _variable(request: Request, repository: Repository) -> Variable:
    name = request.path_params["variable"]
    if not is_uuid(name):
        raise bad_uuid()
    if one := _variables(request, repository).get(name):
        return one
    raise not_found("Not found", f"Variable {name} does not exist.")
