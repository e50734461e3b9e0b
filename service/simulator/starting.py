"""How a run comes to be: from a push, from a request, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from service.simulator.actors import Actor
from service.simulator.commits import Commit
from service.simulator.definition import FILE, StepDefinition, definition_for
from service.simulator.pushing import RefChange
from service.simulator.runs import Run
from service.simulator.settings import Variable
from service.simulator.targets import BadTarget, Target

if TYPE_CHECKING:
    from service.simulator.repository import Repository

USUAL_STEPS = (StepDefinition("Build"), StepDefinition("Test"), StepDefinition("Deploy", deployment="production"))


def push_target(change: RefChange) -> Target | None:
    """What a moved ref asks to run: nothing if it is gone or its newest commit says `[skip ci]`."""
    if change.new is None or not change.starts_a_run:
        return None
    return Target(change.new.commit, ref_type=change.new.kind, ref_name=change.new.name)


def ref_target(repository: Repository, ref: str, commit: Commit | None, custom: str | None) -> Target:
    """A branch or tag, at its head unless a commit is given, by the pipeline for it or a custom one."""
    ref_type = "branch" if ref in repository.refs.branches else "tag"
    selector = "custom" if custom else "default"
    return Target(commit or repository.head(ref), ref_type=ref_type, ref_name=ref, selector=selector, pattern=custom)


def run_from_file(
    repository: Repository,
    target: Target,
    *,
    trigger: str,
    creator: Actor,
    variables: tuple[Variable, ...] = (),
    text: bytes | None = None,
) -> Run | None:
    """A run by the pipelines file at the target's commit, or by `text`, which overrides it for this once.

    None where a push finds no file or no pipeline for its ref: then nothing runs. Raises BadTarget where the file is
    wrong.
    """
    written = text if text is not None else target.commit.files.get(FILE)
    definition = definition_for(written, target) if written is not None else None
    if definition is None:
        return None
    return Run(
        repository,
        replace(target, selector=definition.selector, pattern=definition.pattern),
        definition.steps,
        trigger=trigger,
        creator=creator,
        variables=variables,
        on_demand=text is not None,
    )


def run_by_hand(
    repository: Repository,
    target: Target,
    steps: Sequence[str | StepDefinition] | None,
    *,
    trigger: str,
    creator: Actor,
    variables: tuple[Variable, ...] = (),
) -> Run:
    """A run with these steps, else those of the pipelines file, else the usual three.

    Raises BadTarget if there is a file and it has no pipeline for the target.
    """
    if steps is None and FILE in target.commit.files:
        run = run_from_file(repository, target, trigger=trigger, creator=creator, variables=variables)
        if run is None:
            wanted = target.pattern or target.ref_name
            raise BadTarget(f"{FILE} at {target.commit.hash[:12]} has no pipeline for {wanted}.")
        return run
    named = USUAL_STEPS if steps is None else steps
    definitions = tuple(StepDefinition(step) if isinstance(step, str) else step for step in named)
    return Run(repository, target, definitions, trigger=trigger, creator=creator, variables=variables)
