"""Runs with their steps as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from service.simulator.clock import pipelines_time
from service.simulator.shapes import commits
from service.simulator.shapes.people import Json, actor, links
from service.simulator.shapes.repositories import small

if TYPE_CHECKING:
    from service.simulator.runs import Run
    from service.simulator.steps import Step
    from service.simulator.targets import Target


def pipeline(run: Run) -> Json:
    """A run. There is no link to its page; `completed_on` is absent until it has ended."""
    repository = run.repository
    where = f"{repository.api}/pipelines/{quote(run.uuid)}"
    seconds = _seconds(run.created_on, run.completed_on)
    shape: Json = {
        "uuid": run.uuid,
        "repository": small(repository),
        "state": state(run),
        "build_number": run.build_number,
        "creator": actor(run.creator, repository.cloud.api_url),
        "created_on": pipelines_time(run.created_on),
        "target": target(run),
        "trigger": {"name": run.trigger, "type": f"pipeline_trigger_{run.trigger.lower()}"},
        "run_number": run.run_number,
        "duration_in_seconds": seconds,
        "build_seconds_used": seconds,
        "first_successful": False,
        "expired": run.result == "EXPIRED",
        "links": links(self=where, steps=f"{where}/steps"),
        "has_variables": bool(run.variables),
        "labels": {},
        "configuration_sources": [_configuration(run)],
        "type": "pipeline",
    }
    return shape | ({"completed_on": pipelines_time(run.completed_on)} if run.completed_on else {})


def state(run: Run) -> Json:
    """`state` with the stage of a run that goes on, or the result of one that has ended."""
    kind = f"pipeline_state_{run.state.lower()}"
    shape: Json = {"name": run.state, "type": kind}
    if run.stage:
        shape["stage"] = {"name": run.stage, "type": f"{kind}_{run.stage.lower()}"}
    if run.result:
        shape["result"] = {"name": run.result, "type": f"{kind}_{run.result.lower()}"}
        if run.result == "ERROR":
            shape["result"]["error"] = {"key": "plan.invalid", "message": run.error or "The run could not start."}
        if run.terminator:
            shape["result"]["terminator"] = actor(run.terminator, run.repository.cloud.api_url)
    return shape


def target(run: Run) -> Json:
    aim: Target = run.target
    shape: Json = {
        "type": f"pipeline_{aim.kind}_target",
        "selector": {"type": aim.selector} | ({"pattern": aim.pattern} if aim.pattern else {}),
        "commit": commits.named(run.repository, aim.commit.hash),
    }
    if aim.kind == "ref":
        shape |= {"ref_type": aim.ref_type, "ref_name": aim.ref_name}
    if aim.kind == "pullrequest":
        shape |= {"source": aim.ref_name, "destination": aim.destination, "pullrequest": {"id": aim.pull_request_id}}
        shape["destination_commit"] = {"hash": aim.destination_commit}
    return shape


def step(run: Run, step: Step) -> Json:
    """A step. Times and state's result appear when there are any."""
    seconds = _seconds(step.started_on, step.completed_on)
    kind = f"pipeline_step_state_{step.state.lower()}"
    shape: Json = {
        "type": "pipeline_step",
        "uuid": step.uuid,
        "name": step.name,
        "run_number": step.run_number,
        "pipeline": {"type": "pipeline", "uuid": run.uuid},
        "setup_commands": [_command("umask 000")],
        "script_commands": [_command(line) for line in step.definition.script],
        "teardown_commands": [],
        "image": {"name": step.definition.image},
        "maxTime": 120,
        "build_seconds_used": seconds,
        "trigger": {"type": f"pipeline_step_trigger_{'manual' if step.definition.manual else 'automatic'}"},
        "state": {"name": step.state, "type": kind},
    }
    if step.state == "PENDING":
        stage = run.stage if run.stage in {"PAUSED", "HALTED"} else "PENDING"
        shape["state"]["stage"] = {"name": stage, "type": f"{kind}_{stage.lower()}"}
    if step.result:
        shape["state"]["result"] = {"name": step.result, "type": f"{kind}_{step.result.lower()}"}
    if step.started_on:
        shape["started_on"] = pipelines_time(step.started_on)
        shape["duration_in_seconds"] = seconds
    if step.completed_on:
        shape["completed_on"] = pipelines_time(step.completed_on)
    return shape


def _seconds(began: datetime | None, ended: datetime | None) -> int:
    return int((ended - began).total_seconds()) if began and ended else 0


def _command(line: str) -> Json:
    return {"commandType": "user", "name": line, "command": line}


def _configuration(run: Run) -> Json:
    repository = run.repository
    file = f"src/{run.target.commit.hash}/bitbucket-pipelines.yml"
    where = f"/{quote(repository.owner.uuid)}/{quote(repository.uuid)}/{file}"
    return {"source": "ON_DEMAND" if run.on_demand else "STATIC_LOCAL", "uri": where}
