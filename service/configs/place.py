"""Where each environment's releases live on its server."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from service.configs.nginx.site import Place
from service.configs.plan import Plan
from service.configs.request import EnvironmentRequest, Request

DEFAULT_PORT = 8000
SITE_CANDIDATE_PORT = 28080
# How far the ports of a second program lie from those of the first: neighbours often belong to another site.
APART = 2000
# A branch that goes to several places goes to them in this order.
ORDER = {"test": 0, "staging": 1, "production": 2}


@dataclass(frozen=True, slots=True)
class Target:
    """An environment together with its place on a server."""

    environment: EnvironmentRequest
    place: Place
    server: str | None
    health_path: str
    health_status: str


def target(plan: Plan, request: Request, environment: EnvironmentRequest) -> Target:
    """Work out names, directory, ports, health check of an environment."""
    host = request.host(environment)
    name = app_name(host)
    if environment is not _owner(request, host):
        # Releases of two environments under one name must not share a directory.
        name += f"-{environment.name.lower()}"
    asked = environment.port or request.port
    port = asked or plan.port or DEFAULT_PORT
    candidate = port + 10000 if port <= 55535 else port - 10000
    only_files = plan.run == "static"
    site_candidate = asked if only_files and asked else SITE_CANDIDATE_PORT
    if not only_files and site_candidate in (port, candidate):
        site_candidate += 1
    away = APART if port + 2 * APART + 10000 <= 65535 else -APART
    place = Place(
        host=host,
        app_name=name,
        deploy_path=f"/srv/{name}",
        port=port,
        candidate_port=candidate,
        site_candidate_port=site_candidate,
        pages_port=port + away,
        pages_candidate_port=candidate + away,
        inner_port=port + 2 * away,
        inner_candidate_port=candidate + 2 * away,
        ssl=request.ssl_enabled,
    )
    parts = plan.site.proxied and (plan.site.pages or plan.site.files_dir is not None)
    default_path = "/api/" if parts else "/"
    status = "200" if environment.health_path or only_files else "any"
    return Target(
        environment, place, environment.server or request.server, environment.health_path or default_path, status
    )


def app_name(host: str) -> str:
    """A name for units, containers, directories: the host with hyphens, shortened with a checksum when it is long."""
    name = host.replace(".", "-")
    return name if len(name) <= 40 else f"{name[:31].rstrip('-')}-{zlib.crc32(host.encode()):08x}"


def main_target(targets: tuple[Target, ...]) -> Target:
    """The environment that single files and fields speak of: the first of the kind nearest to production."""
    return max(targets, key=lambda one: ORDER[one.environment.kind])


def _owner(request: Request, host: str) -> EnvironmentRequest:
    """The environment that has the plain name where several are under one host."""
    there = [environment for environment in request.environments if request.host(environment) == host]
    return max(there, key=lambda environment: ORDER[environment.kind])
