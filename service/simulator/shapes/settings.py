"""Variables, environments, deployments, hooks as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from service.simulator.clock import pipelines_time
from service.simulator.settings import Environment, Hook, Variable
from service.simulator.shapes import commits
from service.simulator.shapes.people import Json, links
from service.simulator.shapes.repositories import small

if TYPE_CHECKING:
    from service.simulator.repository import Repository
    from service.simulator.steps import Deployment


def variable(one: Variable) -> Json:
    """A variable; a secured one without the key `value`, whoever asks."""
    shape: Json = {"type": "pipeline_variable", "uuid": one.uuid, "key": one.key, "secured": one.secured}
    return shape if one.secured else shape | {"value": one.value}


def environment(one: Environment) -> Json:
    return {
        "type": "deployment_environment",
        "uuid": one.uuid,
        "name": one.name,
        "slug": one.slug,
        "environment_type": {"name": one.kind, "type": "deployment_environment_type"},
    }


def deployment(one: Deployment) -> Json:
    """A deployment. Real rows say `started_on` and `completed_on` where the OpenAPI document has `…_date`."""
    run, step = one.run, one.step
    updated = step.completed_on or one.created_on
    return {
        "type": "deployment",
        "uuid": one.uuid,
        "step": {"uuid": step.uuid},
        "environment": {
            "uuid": one.environment.uuid,
            "name": one.environment.name,
            "environment_type": {"name": one.environment.kind},
        },
        "release": {
            "pipeline": {"uuid": run.uuid, "type": "pipeline"},
            "key": f"pipelines-{run.uuid}",
            "name": f"#{run.build_number}",
            "url": run.url,
            "commit": commits.named(run.repository, run.target.commit.hash),
            "created_on": pipelines_time(run.created_on),
        },
        "state": _deployment_state(one),
        "last_update_time": pipelines_time(updated),
    }


def _deployment_state(one: Deployment) -> Json:
    step = one.step
    name = "COMPLETED" if step.state == "COMPLETED" else "IN_PROGRESS"
    kind = f"deployment_state_{name.lower()}"
    shape: Json = {"name": name, "type": kind, "url": f"{one.run.url}/steps/{quote(step.uuid)}"}
    shape["started_on"] = pipelines_time(one.created_on)
    if step.result and step.completed_on:
        shape["completed_on"] = pipelines_time(step.completed_on)
        shape["status"] = {"name": step.result, "type": f"{kind}_{step.result.lower()}"}
    return shape


def hook(repository: Repository, one: Hook) -> Json:
    """A webhook subscription: whether there is a secret, never which."""
    return {
        "type": "webhook_subscription",
        "uuid": one.uuid,
        "description": one.description,
        "url": one.url,
        "active": one.active,
        "skip_cert_verification": False,
        "events": list(one.events),
        "created_at": pipelines_time(one.created_at),
        "subject": small(repository),
        "links": links(self=f"{repository.api}/hooks/{quote(one.uuid)}"),
        "source": None,
        "read_only": False,
        "history_enabled": False,
        "secret_set": bool(one.secret),
    }
