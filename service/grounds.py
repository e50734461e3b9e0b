"""Everything that the files of a pipeline are made from, read together; and which branch it is that they follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from service.generation import Ground
from service.projects.model import Detection
from service.store import domains, pipelines, variables
from service.store.pipelines import Environment, Pipeline
from service.store.variables import Variable

# Set by people for the generated steps themselves: they reach Bitbucket like the others, and no application.
OF_THE_STEPS = frozenset(
    {
        "SSH_HOST", "SSH_USER", "SSH_PORT", "SSH_KNOWN_HOSTS", "SSH_PRIVATE_KEY", "DEPLOY_PATH", "HEALTHCHECK_URL",
        "HEALTHCHECK_PATH", "HEALTHCHECK_STATUS", "REGISTRY_HOST", "REGISTRY_NAMESPACE", "REGISTRY_USER",
        "REGISTRY_PASSWORD",
    }
)  # fmt: skip


async def ground_of(connection: Any, pipeline: Pipeline) -> Ground:
    """As it is stored. `connection` is for questions."""
    return Ground(
        pipeline=pipeline,
        environments=tuple(await pipelines.environments_of(connection, pipeline.id)),
        secured=secured_by_key(await variables.of_pipeline(connection, pipeline.id)),
        email=await email_of(connection, pipeline.domain),
    )


def secured_by_key(found: Iterable[Variable]) -> dict[str, bool]:
    """The application's own variables, of the pipeline and all its environments: secret where any of them is."""
    keys: dict[str, bool] = {}
    for one in sorted(found, key=lambda one: one.key):
        if one.key not in OF_THE_STEPS:
            keys[one.key] = keys.get(one.key, False) or one.secured
    return keys


async def email_of(connection: Any, domain: str | None) -> str | None:
    """Where notices about the domain's certificates go."""
    covering = await domains.covering(connection, domain) if domain else None
    return covering.email if covering else None


def main_of(places: Sequence[Environment]) -> Environment:
    """The one that the default branch deploys to."""
    return next((one for one in places if one.kind == "production"), places[0])


def branch_of(places: Sequence[Environment]) -> str | None:
    """The branch that is looked at; a pattern names none, so there it is the repository's main branch."""
    pattern = main_of(places).branch_pattern
    return None if set(pattern) & set("*?{") else pattern


def with_detection(pipeline: Pipeline, found: Detection | None) -> dict[str, Any]:
    """A kind that a person chose against what was found stays; otherwise it follows the repository."""
    if found is None:
        return {}
    followed = pipeline.detection is not None and pipeline.detection.get("type") == pipeline.project_type
    return {"detection": msgspec.to_builtins(found), **({"project_type": found.type} if followed else {})}
