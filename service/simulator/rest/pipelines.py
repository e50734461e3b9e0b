"""Runs over REST."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.actors import MAYA
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, bad_uuid, body_of, not_found, page
from service.simulator.rest.door import is_uuid, run_of
from service.simulator.rest.trigger import asked_target, asked_variables, unflattened
from service.simulator.runs import Run
from service.simulator.shapes import runs as shapes
from service.simulator.shapes.people import Json
from service.simulator.starting import run_from_file
from service.simulator.steps import Step
from service.simulator.targets import BadTarget

STATUS_WORDS = {
    "PARSING": {"PARSING"},
    "PENDING": {"PENDING"},
    "BUILDING": {"RUNNING"},
    "IN_PROGRESS": {"RUNNING"},
    "PAUSED": {"PAUSED"},
    "HALTED": {"HALTED"},
    "PASSED": {"SUCCESSFUL"},
    "SUCCESSFUL": {"SUCCESSFUL"},
    "FAILED": {"FAILED"},
    "ERROR": {"ERROR"},
    "STOPPED": {"STOPPED"},
}
"""The words of the `status` filter; COMPLETED is none of them."""

SELECTOR_WORDS = {
    "branches": "BRANCH",
    "tags": "TAG",
    "custom": "CUSTOM",
    "pull-requests": "PULLREQUESTS",
    "default": "DEFAULT",
}
"""What the `target.selector.type` filter calls the sections of the file."""


async def list_runs(request: Request, repository: Repository) -> Response:
    """Oldest first unless `sort` says otherwise; a filter that is not known is ignored without a word."""
    asked = request.query_params
    found = [run for run in repository.runs if _matches(run, asked.multi_items())]
    if (key := asked.get("sort", "").removeprefix("-")) in {"created_on", "run_creation_date"}:
        found.sort(key=lambda run: run.created_on, reverse=asked["sort"].startswith("-"))
    elif key == "creator.uuid":
        found.sort(key=lambda run: run.creator.uuid, reverse=asked["sort"].startswith("-"))
    return page(request, found, _internal if "fields" in asked else shapes.pipeline)


async def start_run(request: Request, repository: Repository) -> Response:
    """Start what the JSON body asks for, or, sent YAML, run that once in place of the repository's file."""
    if not repository.pipelines_enabled:
        raise ApiError(400, "Pipelines is not enabled for this repository.")
    on_demand = request.headers.get("content-type", "").startswith("application/yaml")
    text = await request.body() if on_demand else None
    sent = unflattened(request.query_params.multi_items()) if on_demand else await body_of(request)
    try:
        target = asked_target(repository, sent.get("target"))
        run = run_from_file(
            repository,
            target,
            trigger="MANUAL",
            creator=MAYA,
            variables=asked_variables(sent.get("variables", [])),
            text=text,
        )
    except BadTarget as error:
        raise ApiError(400, "Bad request", str(error)) from error
    if run is None:
        raise ApiError(400, "Bad request", "The pipelines file at this commit has no pipeline for the target.")
    await repository.launch(run)
    shape = shapes.pipeline(run)
    return answer(request, shape, 201, location=shape["links"]["self"]["href"])


async def get_run(request: Request, repository: Repository) -> Response:
    return answer(request, shapes.pipeline(run_of(request, repository)))


async def stop_run(request: Request, repository: Repository) -> Response:
    """Stop at once; the announcement follows by itself."""
    run = run_of(request, repository)
    if run.state == "COMPLETED":
        raise ApiError(400, "Bad request", "The pipeline has already completed.")
    run.terminator = MAYA
    run.end("STOPPED")
    repository.cloud.spawn(repository.announce_run(run, "STOPPED"))
    return Response(status_code=204)


async def list_steps(request: Request, repository: Repository) -> Response:
    run = run_of(request, repository)
    return page(request, run.steps, lambda step: shapes.step(run, step))


async def get_step(request: Request, repository: Repository) -> Response:
    run = run_of(request, repository)
    return answer(request, shapes.step(run, step_of(request, run)))


def step_of(request: Request, run: Run) -> Step:
    name = request.path_params["step"]
    if not is_uuid(name):
        raise bad_uuid()
    for step in run.steps:
        if step.uuid == name:
            return step
    raise not_found("Not found", f"Step {name} does not exist.")


def _internal(run: Run) -> Json:
    """A run as a request with `fields=` has been seen to get it: `links.self` leads into Atlassian's own network."""
    shape = shapes.pipeline(run)
    where = f"accounts/{run.repository.owner.uuid}/repositories/{run.repository.uuid}/pipelines/{run.uuid}"
    shape["links"]["self"]["href"] = f"http://bitbucket-pipelines.prod.public.atl-paas.net//rest/1.0/{where}"
    return shape


def _matches(run: Run, asked: Iterable[tuple[str, str]]) -> bool:
    target = run.target
    facts: dict[str, set[str | None]] = {
        "creator.uuid": {run.creator.uuid},
        "target.ref_type": {target.ref_type.upper()},
        "target.ref_name": {target.ref_name},
        "target.branch": {target.ref_name} if target.ref_type == "branch" else set(),
        "target.commit.hash": {target.commit.hash},
        "target.selector.pattern": {target.pattern},
        "target.selector.type": {SELECTOR_WORDS.get(target.selector)},
        "trigger_type": {run.trigger},
    }
    statuses = [word for name, value in asked if name == "status" for word in value.split(",")]
    word = run.result or run.stage or run.state
    if statuses and not any(word in STATUS_WORDS.get(status, set()) for status in statuses):
        return False
    return all(value in facts[name] for name, value in asked if name in facts)
