"""Branches with tags over REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.actors import MAYA
from service.simulator.commits import Commit
from service.simulator.pushing import Delete
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, body_of, in_order, not_found, page, require, text_at
from service.simulator.shapes import commits

FIELDS: Mapping[str, Callable[[tuple[str, Commit]], Any]] = {
    "name": lambda branch: branch[0],
    "target.date": lambda branch: branch[1].date,
}
"""What branches can be put in order by, of what https://developer.atlassian.com/cloud/bitbucket/rest/intro/ allows."""


async def list_branches(request: Request, repository: Repository) -> Response:
    """In the order of their names unless `sort` says otherwise."""
    branches = in_order(request, sorted(repository.refs.branches.items()), FIELDS)
    return page(request, branches, lambda named: commits.branch(repository, *named))


async def get_branch(request: Request, repository: Repository) -> Response:
    name = request.path_params["name"]
    if head := repository.refs.branches.get(name):
        return answer(request, commits.branch(repository, name, head))
    raise not_found(f"No such branch: {name}")


async def create_branch(request: Request, repository: Repository) -> Response:
    """A branch at `target.hash`, which may also be the name of a ref."""
    sent = await body_of(request)
    require(sent, ["name", "target"])
    name = sent["name"]
    if name in repository.refs.branches:
        raise ApiError(400, f"Branch '{name}' already exists.")
    commit = repository.refs.resolve(text_at(sent, "target.hash"))
    if commit is None:
        raise ApiError(400, "Bad request", fields={"target.hash": "no such commit"})
    change = repository.refs.set_branch(name, commit)
    repository.cloud.spawn(repository.pushed([change], MAYA))
    return answer(request, commits.branch(repository, name, commit), 201)


async def delete_branch(request: Request, repository: Repository) -> Response:
    name = request.path_params["name"]
    if name not in repository.refs.branches:
        raise not_found(f"No such branch: {name}")
    if name == repository.refs.main:
        raise ApiError(403, "The main branch cannot be deleted.")
    change = repository.refs.apply(Delete(name), MAYA)
    repository.cloud.spawn(repository.pushed([change], MAYA))
    return Response(status_code=204)


async def list_tags(request: Request, repository: Repository) -> Response:
    return page(request, list(repository.refs.tags.values()), lambda tag: commits.tag(repository, tag))


async def get_tag(request: Request, repository: Repository) -> Response:
    name = request.path_params["name"]
    if tag := repository.refs.tags.get(name):
        return answer(request, commits.tag(repository, tag))
    raise not_found(f"No such tag: {name}")
