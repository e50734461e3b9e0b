"""A frontend with its backend, in one release with one number."""

from __future__ import annotations

import dataclasses

from service.configs.grammar import InvalidValue
from service.configs.kinds import django, node, python, static
from service.configs.plan import Decision, Plan, Site
from service.configs.toolchains import inside, javascript
from service.configs.toolchains import python as python_tools
from service.projects.model import Component, Detection

FRONTENDS = frozenset({"react", "vue", "angular", "svelte", "static", "astro", "gatsby"})
_NODE_BACKENDS = frozenset({"node", "express", "nestjs"})
_PYTHON_BACKENDS = frozenset({"django", "flask", "fastapi", "python"})

_PACK = (
    "mkdir -p release/frontend release/backend",
    "tar -xzf frontend.tar.gz -C release/frontend",
    "tar -xzf backend.tar.gz -C release/backend",
    "tar -czf release.tar.gz -C release .",
)


def plan(detection: Detection) -> Plan:
    """Build both parts beside each other, deploy them as one. Raises InvalidValue when a pair is not there."""
    front = _one(detection, "frontend")
    back = _one(detection, "backend")
    if front.type not in FRONTENDS or back.type not in _NODE_BACKENDS | _PYTHON_BACKENDS:
        reason = f"{front.type} with {back.type} is not deployed as one; name the type of the part to deploy"
        raise InvalidValue("project_type", reason)
    backend = _python_backend(back) if back.type in _PYTHON_BACKENDS else _node_backend(back)
    site = Site(
        files_dir="frontend",
        proxied=True,
        proxy_prefixes=("/api/", "/ws/", *(("/admin/",) if back.type == "django" else ())),
        assets=static.assets(front),
        static_dir="backend/site" if back.type == "django" else None,
        aliases=(("/media/", "shared/media"),) if back.type == "django" else (),
    )
    return dataclasses.replace(
        backend,
        builds=(static.build(front, name="Build frontend", artifact="frontend.tar.gz"), *backend.builds),
        checks=(*javascript.checks(front, " frontend"), *backend.checks),
        install="fullstack",
        site=site,
        pack=_PACK,
        values={**backend.values, "site_dir": "frontend", "carry": static.carry(site.assets)},
        decisions=(
            Decision(
                "parts",
                f"{front.root} + {back.root}",
                "one number, one switch, one rollback for both",
                "--type of one part",
            ),
            Decision(
                "routes",
                " ".join(site.proxy_prefixes),
                "these go to the backend, path unchanged; the rest are files",
                "nginx",
            ),
            *_of("frontend", static.plan(front).decisions),
            *_of("backend", backend.decisions),
        ),
    )


def _one(detection: Detection, role: str) -> Component:
    found = [part for part in detection.components if part.role == role]
    if not found:
        raise InvalidValue(
            "project_type", f"fullstack needs a {role}, and none was found; name the type of the part to deploy"
        )
    return found[0]


def _of(role: str, decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    return tuple(dataclasses.replace(decision, name=f"{role}_{decision.name}") for decision in decisions)


def _python_backend(part: Component) -> Plan:
    server = python.server_of(part)
    made = django.plan(part) if part.type == "django" else python.plan(part)
    checks = django.checks(part, " backend") if part.type == "django" else python_tools.checks(part, " backend")
    return dataclasses.replace(
        made,
        builds=(python.build(part, server, name="Build backend", artifact="backend.tar.gz"),),
        checks=checks,
        values={**python.run_values(part, server, app_dir="backend"), "backend": "python"},
    )


def _below(directory: str, path: str) -> str:
    return directory if path == "." else f"{directory}/{path}"


def _node_backend(part: Component) -> Plan:
    made = node.plan(part)
    program, command = node.program_of(part)
    return dataclasses.replace(
        made,
        builds=(node.build(part, name="Build backend", artifact="backend.tar.gz"),),
        checks=javascript.checks(part, " backend"),
        values={**node.run_values(program, command, app_dir=_below("backend", inside(part))), "backend": "pm2"},
    )
