"""A pipeline as it would be, rendered, before anything of it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service.configs import Generated, InvalidValue
from service.generation import Ground, rendered
from service.grounds import main_of, secured_by_key
from service.remote import Snapshot
from service.store.pipelines import USUAL_BRANCHES, Environment, Pipeline
from service.store.variables import Variable
from service.web.api.generating_bodies import AUTO, NewPipeline
from service.web.api.generating_targets import Target
from service.web.configuring import Standing
from service.web.house import House
from service.web.looking import detected
from service.web.refusals import OF_GENERATION, invalid_value_problem
from service.web.variables import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A pipeline as it would be, rendered."""

    version: int
    values: dict[str, Any]
    branch: str
    variables: list[Variable]
    generated: Generated


async def draft_of(
    house: House,
    target: Target,
    now: Standing | None,
    wanted: NewPipeline,
    settings: dict[str, Any],
    snapshot: Snapshot | None,
    email: str | None,
) -> Draft:
    found = await detected(snapshot)
    values = {name: value for name, value in settings.items() if name != "branch"}
    values["detection"] = msgspec.to_builtins(found) if found else None
    values["project_type"] = found.type if found and wanted.project_type == AUTO else wanted.project_type
    known = list(now.variables) if now else []
    own = checked(house.vault, wanted.environment_variables, [one for one in known if one.environment_id is None])
    every = [*own, *(one for one in known if one.environment_id is not None)]
    places = list(now.environments) if now else [_production()]
    branch = settings["branch"] or _known_branch(places, target, snapshot)
    main = main_of(places)
    ground = Ground(
        pipeline=replace(now.pipeline if now else _nothing_yet(), **values),
        environments=tuple(replace(one, branch_pattern=branch) if one is main else one for one in places),
        secured=secured_by_key(every),
        email=email,
    )
    try:
        generated = await rendered(ground)
    except InvalidValue as error:
        raise invalid_value_problem(error, OF_GENERATION) from None
    version = now.pipeline.version if now else 1
    return Draft(version=version, values=values, branch=branch, variables=own, generated=generated)


def _known_branch(places: list[Environment], target: Target, snapshot: Snapshot | None) -> str:
    chosen = main_of(places).branch_pattern
    if chosen != USUAL_BRANCHES:
        return chosen
    known = target.repository.main_branch if target.repository else None
    return snapshot.branch if snapshot else known or "main"


def _production() -> Environment:
    return Environment(id=0, pipeline_id=0, name="production", kind="production", branch_pattern=USUAL_BRANCHES)


def _nothing_yet() -> Pipeline:
    """Stands in, while files are rendered, for the pipeline that is made when they can be."""
    nothing = dict.fromkeys(Pipeline.__dataclass_fields__)
    return Pipeline(**nothing)  # type: ignore[arg-type]  # what the files are made from is put over it
