"""Commits over REST, with what they changed and what was said of them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.simulator import payloads
from service.simulator.actors import MAYA
from service.simulator.commits import Commit, FileChange, compare
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, body_of, not_found, page, require
from service.simulator.shapes import commits, statuses
from service.simulator.shapes.people import Json, links
from service.simulator.statuses import STATES, CommitStatus


async def get_commit(request: Request, repository: Repository) -> Response:
    return answer(request, commits.full(repository, _commit(repository, request.path_params["commit"])))


async def list_commits(request: Request, repository: Repository) -> Response:
    """Newest first: from a ref (the main branch by default) or `include`, without what `exclude` has."""
    name = request.path_params.get("revision") or request.query_params.get("include") or "HEAD"
    exclude = request.query_params.get("exclude")
    old = _commit(repository, exclude) if exclude else None
    found = repository.refs.history.between(old, _commit(repository, name))
    return page(request, found, lambda commit: commits.full(repository, commit))


async def diffstat(request: Request, repository: Repository) -> Response:
    """`{new}..{old}`, in that order, or one commit against its parent; from the merge base unless `topic=false`."""
    new_name, dots, old_name = request.path_params["spec"].partition("..")
    new = _commit(repository, new_name)
    old = _commit(repository, old_name) if dots else _first_parent(repository, new)
    if dots and old and request.query_params.get("topic", "true") == "true":
        old = repository.refs.history.merge_base(new, old)
    changes = compare(old.files if old else {}, new.files)
    return page(request, changes, lambda change: _change(repository, change, old, new))


async def list_statuses(request: Request, repository: Repository) -> Response:
    commit = _commit(repository, request.path_params["commit"])
    refname = request.query_params.get("refname")
    found = [one for (hash_, _), one in repository.statuses.items() if hash_ == commit.hash]
    wanted = [one for one in found if refname is None or one.refname == refname]
    return page(request, wanted, lambda one: statuses.over_rest(repository, one))


async def get_status(request: Request, repository: Repository) -> Response:
    commit, key = _commit(repository, request.path_params["commit"]), request.path_params["key"]
    if one := repository.statuses.get((commit.hash, key)):
        return answer(request, statuses.over_rest(repository, one))
    raise not_found(f"Status with key {key} not found")


async def write_status(request: Request, repository: Repository) -> Response:
    """Post, or put by key: whoever may read the repository may overwrite any status, also one that Pipelines wrote."""
    sent = await body_of(request)
    commit = _commit(repository, request.path_params["commit"])
    sent.setdefault("key", request.path_params.get("key"))
    require(sent, ["key", "state"])
    if sent["state"] not in STATES:
        raise ApiError(400, "Bad request", fields={"state": f"must be one of {', '.join(STATES)}"})
    one = _status(repository, commit, sent)
    event_key = repository.write_status(one)
    repository.cloud.spawn(repository.announce(event_key, payloads.commit_status(repository, one, MAYA)))
    created = event_key.endswith("created")
    return answer(request, statuses.over_rest(repository, one), 201 if created else 200)


def _status(repository: Repository, commit: Commit, sent: Json) -> CommitStatus:
    now = repository.cloud.clock.now()
    return CommitStatus(
        commit=commit,
        key=sent["key"],
        state=sent["state"],
        name=sent.get("name", ""),
        refname=sent.get("refname"),
        description=sent.get("description", ""),
        url=sent.get("url", ""),
        created_on=now,
        updated_on=now,
    )


def _commit(repository: Repository, name: str) -> Commit:
    if commit := repository.refs.resolve(name):
        return commit
    raise not_found(f"Commit not found: {name}")


def _first_parent(repository: Repository, commit: Commit) -> Commit | None:
    return repository.refs.history.get(commit.parents[0]) if commit.parents else None


def _change(repository: Repository, change: FileChange, old: Commit | None, new: Commit) -> Json:
    def side(commit: Commit | None, path: str | None) -> Any:
        if commit is None or path is None:
            return None
        where = links(self=f"{repository.api}/src/{commit.hash}/{path}")
        return {"path": path, "type": "commit_file", "escaped_path": path, "links": where}

    return {
        "status": change.status,
        "old": side(old, change.old_path),
        "lines_removed": change.lines_removed,
        "lines_added": change.lines_added,
        "new": side(new, change.new_path),
        "type": "diffstat",
    }
