"""The bodies of webhook deliveries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from service.simulator.actors import Actor
from service.simulator.cloud import SITE
from service.simulator.pushing import COMMITS_SHOWN, RefChange
from service.simulator.settings import PullRequest
from service.simulator.shapes import commits, people, pullrequests, repositories, statuses
from service.simulator.shapes.people import Json, links
from service.simulator.statuses import CommitStatus

if TYPE_CHECKING:
    from service.simulator.repository import Repository
    from service.simulator.runs import Run
    from service.simulator.steps import Step


def push(repository: Repository, changes: Sequence[RefChange], actor: Actor) -> Json:
    return {"push": {"changes": [_change(repository, change) for change in changes]}} | _about(repository, actor)


def commit_status(repository: Repository, status: CommitStatus, actor: Actor) -> Json:
    return _about(repository, actor) | {"commit_status": statuses.in_webhook(repository, status)}


def naming(repository: Repository) -> Json:
    """What a rename changes, to be compared before and after."""
    return {
        "name": repository.name,
        "full_name": repository.full_name,
        "slug": repository.slug,
        "links": repositories.small(repository)["links"],
    }


def updated(repository: Repository, before: Json, actor: Actor) -> Json:
    """`before` is what `naming` said then; only what differs is told."""
    after = naming(repository)
    changes = {key: {"new": after[key], "old": before[key]} for key in after if after[key] != before[key]}
    return _about(repository, actor) | {"changes": changes}


def transferred(repository: Repository, previous: Actor, actor: Actor) -> Json:
    return _about(repository, actor) | {"previous_owner": people.actor(previous, repository.cloud.api_url)}


def deleted(repository: Repository, actor: Actor) -> Json:
    return _about(repository, actor)


def pull_request(repository: Repository, one: PullRequest, actor: Actor) -> Json:
    return _about(repository, actor) | {"pullrequest": pullrequests.pullrequest(repository, one)}


def span(run: Run) -> Json:
    """OTLP-JSON of a run that has ended and of its steps, with neither repository nor actor.

    The result is `COMPLETE` whatever became of the run: that is what practitioners meet, so nobody may rely on it.
    https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-opentelemetry-traces-via-webhooks
    """
    repository = run.repository
    place = f"{quote(repository.owner.uuid)}/{quote(repository.uuid)}"
    facts = {
        "pipeline.uuid": run.uuid,
        "pipeline_run.uuid": run.run_uuid,
        "pipeline.build_number": str(run.build_number),
        "pipeline_run.run_number": str(run.run_number),
        "pipeline.state.name": "COMPLETED",
        "pipeline.state.result.name": "COMPLETE",
        "pipeline.target.ref_type": run.target.ref_type.upper(),
        "pipeline.target.ref_name": run.target.ref_name or "",
        "pipeline.trigger.name": run.trigger,
        "pipeline.repository.uuid": repository.uuid,
        "pipeline.account.uuid": repository.owner.uuid,
        "pipeline_run.url": f"{SITE}/{place}/pipelines/results/{run.build_number}",
    }
    one: Json = {
        "traceId": _identifier(run.uuid, 16),
        "spanId": _identifier(run.run_uuid, 8),
        "name": "bbc.pipeline_run",
        "startTimeUnixNano": _nanoseconds(run.created_on),
        "endTimeUnixNano": _nanoseconds(run.completed_on or run.created_on),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in facts.items()],
    }
    steps = [_step_span(run, step) for step in run.all_steps if step.run_number == run.run_number]
    scope = {"name": "bitbucket-pipelines", "version": "1.0"}
    spans = [one, *(found for found in steps if found)]
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def _step_span(run: Run, step: Step) -> Json | None:
    """None for a step that did not run."""
    if step.started_on is None or step.completed_on is None:
        return None
    facts = {
        "pipeline.uuid": run.uuid,
        "pipeline_run.uuid": run.run_uuid,
        "pipeline.repository.uuid": run.repository.uuid,
        "pipeline.account.uuid": run.repository.owner.uuid,
        "step.uuid": step.uuid,
        "step.state.result.name": step.result or "",
    }
    return {
        "traceId": _identifier(run.uuid, 16),
        "spanId": _identifier(step.log_name, 8),
        "parentSpanId": _identifier(run.run_uuid, 8),
        "name": "bbc.step",
        "startTimeUnixNano": _nanoseconds(step.started_on),
        "endTimeUnixNano": _nanoseconds(step.completed_on),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in facts.items()],
    }


def _about(repository: Repository, actor: Actor) -> Json:
    return {
        "repository": repositories.in_webhook(repository),
        "actor": people.actor(actor, repository.cloud.api_url),
    }


def _change(repository: Repository, change: RefChange) -> Json:
    """One ref of a push. A tag lists no commits; a ref that is gone has neither commits nor links."""
    shape: Json = {
        "old": commits.ref_in_push(repository, change.old) if change.old else None,
        "new": commits.ref_in_push(repository, change.new) if change.new else None,
        "truncated": len(change.commits) > COMMITS_SHOWN,
        "created": change.old is None,
        "forced": change.forced,
        "closed": change.new is None,
    }
    if change.new:
        shape["links"] = _change_links(repository, change)
        if change.new.kind == "branch":
            shape["commits"] = [commits.pushed(repository, commit) for commit in change.commits[:COMMITS_SHOWN]]
    return shape


def _change_links(repository: Repository, change: RefChange) -> Json:
    """A new tag has only `commits`; `diff` is there where old and new can be compared: not for a force push."""
    new, old = change.new, change.old
    assert new is not None
    page = f"{repository.html}/branch/{new.name}"
    if old is None:
        shown = links(commits=f"{repository.api}/commits?include={new.commit.hash}")
        return shown if new.kind == "tag" else shown | links(html=page)
    span_of = f"include={new.commit.hash}&exclude={old.commit.hash}"
    shape = links(commits=f"{repository.api}/commits?{span_of}", html=page)
    if not change.forced:
        compared = f"{new.commit.hash}..{old.commit.hash}"
        shape |= links(diff=f"{repository.api}/diff/{compared}")
        shape |= links(html=f"{repository.html}/branches/compare/{compared}")
    return shape


def _identifier(seed: str, size: int) -> str:
    return base64.b64encode(hashlib.sha256(seed.encode()).digest()[:size]).decode()


def _nanoseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1_000_000) * 1000)
