"""From what is stored of a pipeline to its files, and to the revision that records them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import msgspec

from service import render
from service.configs import (
    EnvironmentRequest,
    Generated,
    OnDemandPipeline,
    Request,
    generate,
    promotion_pipeline,
    rollback_pipeline,
)
from service.configs.telling import Cause, of_settings, sentences
from service.projects.model import Detection
from service.recorder import Record
from service.store import revisions
from service.store.pipelines import Environment, Pipeline
from service.store.revisions import WAITING_CONFIRMATION, Revision

# Who brings a revision into the repository: for `manual` nobody but a person, so nothing waits.
DELIVERED_AT_FIRST = {"manual": "none", "pull_request": "waiting", "commit": "waiting"}

# The file that says of the others why they are as they are.
EXPLANATION = "explain.json"

NOTHING_DECIDED = "nothing was decided anew; what is written down of it has changed"

# Nobody says what in the repository changed.
UNSAID = Cause()

# When a pipeline with new files is first compared with what is really there: by then they may have arrived.
FIRST_COMPARED = timedelta(minutes=30)

# Beyond any revision's number.
LATER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the files of a pipeline are made from.

    `secured` names every variable of the pipeline and its environments, and says which are secret: no file holds a
    value. `email` is where notices about certificates go.
    """

    pipeline: Pipeline
    environments: tuple[Environment, ...]
    secured: Mapping[str, bool]
    email: str | None = None


async def rendered(ground: Ground) -> Generated:
    """The files. Raises InvalidValue, which names the setting that cannot go into one."""
    detection = _detection(ground.pipeline)
    request = _request(ground)
    # tens of milliseconds of pure computing, during which the loop serves others
    return await asyncio.to_thread(generate, detection, request, _templates())


async def rollback_file(ground: Ground, environment: str, method: Literal["relink", "rebuild"]) -> OnDemandPipeline:
    """The file for one run that rolls an environment back. Raises InvalidValue, as `rendered` does."""
    detection, request = _detection(ground.pipeline), _request(ground)
    return await asyncio.to_thread(
        rollback_pipeline, detection, request, _templates(), environment=environment, method=method
    )


async def promotion_file(ground: Ground, environment: str) -> OnDemandPipeline:
    """The file for one run that deploys its commit to an environment. Raises InvalidValue, as `rendered` does."""
    detection, request = _detection(ground.pipeline), _request(ground)
    return await asyncio.to_thread(promotion_pipeline, detection, request, _templates(), environment=environment)


def columns(generated: Generated) -> dict[str, Any]:
    """What the pipeline's own row shows of its files."""
    return {
        "project_type": generated.project_type,
        "nginx_config": generated.nginx_config,
        "certbot_command": generated.certbot_command,
        "bitbucket_pipelines_yml": generated.pipelines_yml,
    }


async def write_revision(
    record: Record,
    pipeline: Pipeline,
    generated: Generated,
    *,
    commit: str | None,
    cause: Cause = UNSAID,
    to_confirm: bool = False,
) -> tuple[Revision, bool]:
    """The revision with these files, and whether it is a new one: the same bytes make none.

    `pipeline` is as it is from now on; `commit` is the one that was looked at for this, if any was. `to_confirm` makes
    a proposal of it, which changes nothing until a person says so.
    """
    newest = next(iter(await revisions.latest(record.connection, pipeline.id)), None)
    known = await revisions.standing(record.connection, pipeline.id)
    before, after = known.files if known else {}, dict(generated.files)
    policy: dict[str, Any] = {
        "delivery": pipeline.config_delivery,
        "delivered": DELIVERED_AT_FIRST[pipeline.config_delivery],
    }
    proposed = newest is not None and not newest.wanted and newest.delivered == "none"
    if newest is not None and newest.files == after and (newest.wanted or proposed):
        if proposed and not to_confirm:  # somebody has confirmed it
            await revisions.change(record.connection, newest.id, **policy)
            await revisions.supersede(record.connection, pipeline.id, newest.number)
            newest = replace(newest, **policy)
        if newest.delivered in ("waiting", "failed", "none") and newest.wanted:
            await bring(record, pipeline.id)
        return newest, proposed and not to_confirm
    if known is not None and before == after:  # what was proposed meanwhile is no longer so
        await revisions.supersede(record.connection, pipeline.id, LATER, proposals_alone=True)
        return known, False
    decisions = [msgspec.to_builtins(decision) for decision in generated.decisions]
    revision = await revisions.add(
        record.connection,
        pipeline.id,
        commit=commit,
        files=after,
        decisions=decisions,
        detection=pipeline.detection,
        diff=unified(before, after),
        **({"delivery": WAITING_CONFIRMATION, "delivered": "none"} if to_confirm else policy),
        changes=_changes(known, pipeline, decisions, after, cause) if known else [],
        created_at=record.now,
    )
    told = {
        "pipeline_id": pipeline.id,
        "revision": revision.number,
        "changed_files": changed_files(revision.diff),
        "pull_request_url": None,
        "diff_summary": summary(revision.diff),
    }
    record.log("config.regenerated", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)
    await revisions.supersede(record.connection, pipeline.id, revision.number, proposals_alone=to_confirm)
    if not to_confirm:
        await bring(record, pipeline.id)
    drift = {"pipeline_id": pipeline.id}
    await record.work("drift", str(pipeline.id), drift, due_at=record.now + FIRST_COMPARED)
    return revision, True


def _changes(
    known: Revision, pipeline: Pipeline, decisions: list[dict[str, Any]], files: Mapping[str, str], cause: Cause
) -> list[str]:
    explained = of_settings(known.files.get(EXPLANATION), files.get(EXPLANATION))
    told = sentences(known.decisions, decisions, known.detection, pipeline.detection, cause)
    new = [line for line in explained if not (line.startswith("host of ") and _named_already(line, told))]
    return [*told, *new] or [NOTHING_DECIDED]


def _named_already(line: str, told: list[str]) -> bool:
    """The main environment's host is a decision of its own: `domain`."""
    change = line.partition(": ")[2].partition(", ")[0]
    return any(f"domain: {change}," in one for one in told)


async def bring(record: Record, pipeline_id: int, *, edited: bool = False) -> None:
    """Somebody is to look how far the newest revision has come, and to bring it to the repository.

    `edited` says that generated files have just changed there: once it is known what has arrived, drift is looked for.
    """
    await record.work("deliver", str(pipeline_id), {"pipeline_id": pipeline_id, "edited": edited})


def unified(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """One diff over all files, as `git apply` reads it."""
    parts: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
        parts += difflib.unified_diff((old or "").splitlines(True), (new or "").splitlines(True), *names)
    return "".join(parts)


def changed_files(diff: str) -> list[str]:
    """The paths in the diff's own headers."""
    lines = diff.splitlines()
    heads = pairwise(lines)
    pairs = [(old[4:], new[4:]) for old, new in heads if old.startswith("--- ") and new.startswith("+++ ")]
    return [(old if new == "/dev/null" else new)[2:] for old, new in pairs]


def summary(diff: str) -> str:
    """`2 files changed, 10 lines added, 3 removed`."""
    lines = [line for line in diff.splitlines() if not line.startswith(("+++ ", "--- "))]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    files = len(changed_files(diff))
    return f"{files} {'file' if files == 1 else 'files'} changed, {added} lines added, {removed} removed"


_templates = cache(render.environment)


def _detection(pipeline: Pipeline) -> Detection:
    """What was found in the repository; where nobody could look, the kind that a person named and nothing else."""
    if pipeline.detection is None:
        return Detection(type=pipeline.project_type, confidence=1.0)
    return msgspec.convert(pipeline.detection, Detection)


def _request(ground: Ground) -> Request:
    pipeline = ground.pipeline
    return Request(
        project_type=pipeline.project_type,
        domain=pipeline.domain,
        subdomain=pipeline.subdomain,
        server=pipeline.server_ip,
        port=pipeline.port,
        ssl_enabled=pipeline.ssl_enabled,
        email=ground.email,
        env=tuple((key, "") for key, secured in ground.secured.items() if not secured),
        secrets=tuple(key for key, secured in ground.secured.items() if secured),
        environments=tuple(_asked(environment) for environment in ground.environments),
    )


def _asked(environment: Environment) -> EnvironmentRequest:
    return EnvironmentRequest(
        name=environment.name,
        kind=environment.kind,  # type: ignore[arg-type]  # a word of the same list, checked where it was stored
        branch=environment.branch_pattern,
        server=environment.server_ip,
        domain=environment.domain,
        subdomain=environment.subdomain,
        port=environment.port,
        health_path=(environment.health_check or {}).get("path"),
        requires_approval=environment.requires_approval,
    )
