"""How an environment is asked whether what was deployed there is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.store import environments, pipelines
from service.store.executions import Execution
from service.store.pipelines import Environment, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question to an environment, asked up to `attempts` times, `interval_seconds` apart."""

    url: str
    expected_status: int = 200
    timeout_seconds: float = 5
    attempts: int = 5
    interval_seconds: float = 2


async def check_of(connection: Any, execution: Execution) -> Check | None:
    """How the execution's environment is asked; None where it has no health check, or none that has an address."""
    if execution.environment is None:
        return None
    environment = await environments.named(connection, execution.pipeline_id, execution.environment)
    if environment is None or environment.health_check is None:
        return None
    pipeline = await pipelines.by_id(connection, execution.pipeline_id)
    url = url_of(environment, pipeline)
    if url is None:
        return None
    given = {name: value for name, value in environment.health_check.items() if name not in ("url", "path")}
    return Check(url=url, **given)


def url_of(environment: Environment, pipeline: Pipeline | None) -> str | None:
    """`url` where the check has one, else its path at `<subdomain>.<domain>`; None where no domain is known."""
    check = environment.health_check or {}
    if check.get("url"):
        return str(check["url"])
    domain = environment.domain or (pipeline.domain if pipeline else None)
    if domain is None or "path" not in check:
        return None
    subdomain = environment.subdomain or (pipeline.subdomain if pipeline else None)
    scheme = "https" if pipeline is None or pipeline.ssl_enabled else "http"
    return f"{scheme}://{f'{subdomain}.' if subdomain else ''}{domain}{check['path']}"
