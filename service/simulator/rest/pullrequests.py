"""Pull requests over REST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.simulator import payloads
from service.simulator.actors import MAYA
from service.simulator.merging import CannotMerge, merge
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, body_of, not_found, page, require, text_at
from service.simulator.settings import PullRequest
from service.simulator.shapes.pullrequests import pullrequest as shape


async def list_pullrequests(request: Request, repository: Repository) -> Response:
    """Those that are OPEN, unless `state` (which may come more than once) says otherwise."""
    states = request.query_params.getlist("state") or ["OPEN"]
    found = [one for one in repository.pull_requests if one.state in states]
    return page(request, found, lambda one: shape(repository, one))


async def create_pullrequest(request: Request, repository: Repository) -> Response:
    sent = await body_of(request)
    require(sent, ["title", "source"])
    source = text_at(sent, "source.branch.name")
    destination = text_at(sent, "destination.branch.name") or repository.refs.main
    for field, branch in {"source": source, "destination": destination}.items():
        if branch not in repository.refs.branches:
            raise ApiError(400, "Bad request", fields={f"{field}.branch.name": f"branch '{branch}' not found"})
    for known in repository.pull_requests:
        if (known.source, known.destination, known.state, known.fork) == (source, destination, "OPEN", ""):
            raise ApiError(409, f"There is a pull request of {source} into {destination} already: #{known.id}.")
    now = repository.cloud.clock.now()
    one = PullRequest(
        id=len(repository.pull_requests) + 1,
        title=sent["title"],
        description=sent.get("description", ""),
        source=source,
        destination=destination,
        created_on=now,
        updated_on=now,
        close_source_branch=bool(sent.get("close_source_branch")),
        draft=bool(sent.get("draft")),
        reviewers=tuple(text_at(reviewer, "uuid") for reviewer in sent.get("reviewers", ())),
    )
    repository.pull_requests.append(one)
    _announce(repository, "pullrequest:created", one)
    made = shape(repository, one)
    return answer(request, made, 201, location=made["links"]["self"]["href"])


async def get_pullrequest(request: Request, repository: Repository) -> Response:
    return answer(request, shape(repository, _pullrequest(request, repository)))


async def update_pullrequest(request: Request, repository: Repository) -> Response:
    """Change title, description or draft of one that is open."""
    one = _open(request, repository)
    sent = await body_of(request)
    one.title = sent.get("title", one.title)
    one.description = sent.get("description", one.description)
    one.draft = bool(sent.get("draft", one.draft))
    one.updated_on = repository.cloud.clock.now()
    _announce(repository, "pullrequest:updated", one)
    return answer(request, shape(repository, one))


async def decline_pullrequest(request: Request, repository: Repository) -> Response:
    one = _open(request, repository)
    one.state, one.updated_on = "DECLINED", repository.cloud.clock.now()
    _announce(repository, "pullrequest:rejected", one)
    return answer(request, shape(repository, one))


async def merge_pullrequest(request: Request, repository: Repository) -> Response:
    """409 where both branches have changed the same lines of a file."""
    one = _open(request, repository)
    try:
        changes = merge(repository, one, MAYA)
    except CannotMerge as error:
        raise ApiError(409, str(error)) from None
    repository.cloud.spawn(repository.merged(one, changes, MAYA))
    return answer(request, shape(repository, one))


def _pullrequest(request: Request, repository: Repository) -> PullRequest:
    number: int = request.path_params["number"]
    if 0 < number <= len(repository.pull_requests):
        return repository.pull_requests[number - 1]
    raise not_found(f"Pull request {number} not found")


def _open(request: Request, repository: Repository) -> PullRequest:
    one = _pullrequest(request, repository)
    if one.state != "OPEN":
        raise ApiError(400, f"This pull request is already {one.state.lower()}.")
    return one


def _announce(repository: Repository, event_key: str, one: PullRequest) -> None:
    repository.cloud.spawn(repository.announce(event_key, payloads.pull_request(repository, one, MAYA)))
