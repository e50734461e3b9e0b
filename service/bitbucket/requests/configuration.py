"""What is asked and changed of what is set up in a repository."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from service.bitbucket import answers
from service.bitbucket.requests.assignment import Assignment, assigned, secrets_of
from service.bitbucket.requests.request import Request, below, get, paged, send


def pipelines_config(name: str) -> Request[answers.PipelinesConfig]:
    return get(below(name, "pipelines_config"), answers.PipelinesConfig)


def enable_pipelines(name: str) -> Request[answers.PipelinesConfig]:
    return send("PUT", below(name, "pipelines_config"), answers.PipelinesConfig, {"enabled": True})


def variables(name: str, environment: str | None) -> Request[answers.Page[answers.Variable]]:
    return get(_variables(name, environment), answers.Page[answers.Variable], (paged(),))


def create_variable(name: str, one: Assignment, environment: str | None) -> Request[answers.Variable]:
    path = _variables(name, environment)
    return send("POST", path, answers.Variable, assigned(one), repeatable=False, secrets=secrets_of([one]))


def update_variable(name: str, uuid: str, one: Assignment, environment: str | None) -> Request[answers.Variable]:
    """Key, value and secured travel together: the value of a secured variable cannot be kept by leaving it out."""
    path = _variables(name, environment, uuid)
    return send("PUT", path, answers.Variable, assigned(one), secrets=secrets_of([one]))


def delete_variable(name: str, uuid: str, environment: str | None) -> Request[None]:
    return Request("DELETE", _variables(name, environment, uuid), NoneType)


def environments(name: str) -> Request[answers.Page[answers.Environment]]:
    return get(below(name, "environments"), answers.Page[answers.Environment], (paged(),))


def create_environment(name: str, environment: str, kind: str) -> Request[answers.Environment]:
    """`kind` is Test, Staging or Production."""
    body = {"name": environment, "environment_type": {"name": kind}}
    return send("POST", below(name, "environments"), answers.Environment, body, repeatable=False)


def deployments(
    name: str, *, newest_first: bool = False, page: int | None = None
) -> Request[answers.Page[answers.Deployment]]:
    """The order can be asked for as of other lists; for this one it is not documented, and may be refused."""
    order = (("sort", "-state.started_on"),) if newest_first else ()
    number = (("page", str(page)),) if page is not None else ()
    return get(below(name, "deployments"), answers.Page[answers.Deployment], (*order, *number, paged()))


def hooks(name: str) -> Request[answers.Page[answers.Hook]]:
    return get(below(name, "hooks"), answers.Page[answers.Hook], (paged(),))


def create_hook(name: str, *, url: str, events: Iterable[str], secret: str, description: str) -> Request[answers.Hook]:
    body = {"description": description, "url": url, "active": True, "events": sorted(events), "secret": secret}
    return send("POST", below(name, "hooks"), answers.Hook, body, repeatable=False, secrets=(secret,))


def update_hook(
    name: str, uuid: str, *, url: str, events: Iterable[str], secret: str | None, description: str, active: bool
) -> Request[answers.Hook]:
    """Without a `secret` the one that Bitbucket has stays."""
    body: dict[str, Any] = {"description": description, "url": url, "active": active, "events": sorted(events)}
    if secret is not None:
        body["secret"] = secret
    return send("PUT", below(name, "hooks", uuid), answers.Hook, body, secrets=(secret,) if secret else ())


def delete_hook(name: str, uuid: str) -> Request[None]:
    return Request("DELETE", below(name, "hooks", uuid), NoneType)


def _variables(name: str, environment: str | None, *uuid: str) -> str:
    if environment is None:
        return below(name, "pipelines_config", "variables", *uuid)
    return below(name, "deployments_config", "environments", environment, "variables", *uuid)
