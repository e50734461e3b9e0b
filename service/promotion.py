"""Promotion: an environment gets what another one runs, the same commit, deployed anew by a person who asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.bitbucket.globs import is_plain, matches
from service.configs.place import ORDER
from service.store import releases
from service.store.pipelines import Environment, Pipeline
from service.store.releases import Release


class CannotPromote(Exception):
    """The message says what is missing, and what can be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What is to be deployed. `branch` is the one whose run it will be, `message` says of the execution what it is."""

    release: Release
    branch: str | None
    commit: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What could be promoted, from one environment's name to another's."""

    source: str
    target: str
    release: Release


def offers(places: Sequence[Environment], live: Mapping[str, Release]) -> list[Offer]:
    """From each environment to those nearer to production that run something else."""
    return [
        Offer(source=source.name, target=target.name, release=live[source.name])
        for source in places
        for target in places
        if source.name in live and ORDER[source.kind] < ORDER[target.kind]
        if live[source.name].commit is not None
        if target.name not in live or live[target.name].commit != live[source.name].commit
    ]


async def promotion_of(connection: Any, pipeline: Pipeline, source: Environment, target: Environment) -> Promotion:
    """What `source` runs, for `target`. Raises CannotPromote."""
    release = await releases.live_on(connection, pipeline.id, source.name)
    if release is None:
        raise CannotPromote(f"nothing is live on {source.name}: deploy to it first")
    if release.commit is None:
        raise CannotPromote(f"the commit that {source.name} runs is not known: deploy to it once more")
    what = f"build #{release.build_number}" if release.build_number else f"execution {release.execution_id}"
    return Promotion(
        release=release,
        branch=_branch(pipeline, release, target),
        commit=release.commit,
        message=f"Promote {what} from {source.name}",
    )


def _branch(pipeline: Pipeline, release: Release, target: Environment) -> str | None:
    """A file for this once, which Penstock makes for its own pipelines, runs on the branch that the commit came by.

    Any other repository has a way of its own to the target: the pipeline of the branch that is deployed there.
    """
    pattern = target.branch_pattern
    if pipeline.generated_at is not None or (release.branch is not None and matches(pattern, release.branch)):
        return release.branch
    if is_plain(pattern):
        return pattern
    raise CannotPromote(
        f"which branch's pipeline deploys to {target.name} is not known, {pattern} names several: set its"
        " `branch_pattern` to one branch, or let Penstock generate the pipeline"
    )
