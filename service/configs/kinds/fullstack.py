"""A frontend with its backend, in one release with one number."""

from __future__ import annotations

import dataclasses

from service.configs.grammar import InvalidValue
from service.configs.kinds import django, go, node, pages, python, static
from service.configs.plan import Decision, Plan, Site
from service.configs.toolchains import inside, javascript
from service.configs.toolchains import python as python_tools
from service.projects.model import Component, Detection

FRONTENDS = frozenset({"react", "vue", "angular", "svelte", "static", "astro", "gatsby"})
_NODE_BACKENDS = frozenset({"node", "express", "nestjs"})
_PYTHON_BACKENDS = frozenset({"django", "flask", "fastapi", "python"})
BACKENDS = _NODE_BACKENDS | _PYTHON_BACKENDS | {"go"}

_PACK = (
    "mkdir -p release/frontend release/backend",
    "tar -xzf frontend.tar.gz -C release/frontend",
    "tar -xzf backend.tar.gz -C release/backend",
    "tar -czf release.tar.gz -C release .",
)


def plan(detection: Detection) -> Plan:
    """Build both parts beside each other, deploy them as one. Raises InvalidValue when a pair is not there."""
    front = _one(detection, "frontend", FRONTENDS | pages.KINDS)
    back = _one(detection, "backend", BACKENDS)
    backend = _backend(back)
    made = _rendered(front, back, backend) if pages.renders(front) else _files(front, back, backend)
    parts = Decision(
        "parts", f"{front.root} + {back.root}", "one number, one switch, one rollback for both", "--type of one part"
    )
    prefixes = " ".join(made.site.proxy_prefixes)
    rest = "is asked of the frontend" if made.site.pages else "are files"
    routes = Decision("routes", prefixes, f"these go to the backend, path unchanged; the rest {rest}", "nginx")
    return dataclasses.replace(
        made,
        checks=(*javascript.checks(front, " frontend"), *backend.checks),
        install="fullstack",
        pack=_PACK,
        decisions=(parts, routes, *made.decisions, *_of("backend", backend.decisions)),
    )


def _files(front: Component, back: Component, backend: Plan) -> Plan:
    """A frontend that is files once it is built."""
    site = dataclasses.replace(_site(back), files_dir="frontend", assets=static.assets(front))
    return dataclasses.replace(
        backend,
        builds=(static.build(front, name="Build frontend", artifact="frontend.tar.gz"), *backend.builds),
        site=site,
        values={**backend.values, "site_dir": "frontend", "carry": static.carry(site.assets)},
        decisions=_of("frontend", static.plan(front).decisions),
    )


def _rendered(front: Component, back: Component, backend: Plan) -> Plan:
    """A frontend that is a program of its own."""
    return dataclasses.replace(
        backend,
        builds=(pages.build(front, name="Build frontend", artifact="frontend.tar.gz"), *backend.builds),
        site=dataclasses.replace(_site(back), pages=True),
        values={**backend.values, "pages": pages.values(front, "frontend")},
        decisions=_of("frontend", pages.decisions(front)),
    )


def _site(back: Component) -> Site:
    is_django = back.type == "django"
    return Site(
        proxied=True,
        proxy_prefixes=("/api/", "/ws/", *(("/admin/",) if is_django else ())),
        static_dir="backend/site" if is_django else None,
        aliases=(("/media/", "shared/media"),) if is_django else (),
    )


def _one(detection: Detection, role: str, kinds: frozenset[str]) -> Component:
    """The part with that role. Raises InvalidValue, which says what can be done, where it cannot go into a release."""
    found = [part for part in detection.components if part.role == role]
    if not found:
        raise InvalidValue(
            "project_type", f"fullstack needs a {role}, and none was found; name the type of the part to deploy"
        )
    part = found[0]
    if part.type in kinds:
        return part
    where = f"the {role} in {part.root} is {part.type}"
    known = ", ".join(sorted(kinds))
    way = (
        "choose docker and give the repository a Dockerfile that holds both parts, or deploy one part: choose its type"
    )
    raise InvalidValue("project_type", f"{where}, and a release of two parts is made of {known} alone; {way}")


def _of(role: str, decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    return tuple(dataclasses.replace(decision, name=f"{role}_{decision.name}") for decision in decisions)


def _backend(part: Component) -> Plan:
    if part.type in _PYTHON_BACKENDS:
        return _python_backend(part)
    return go.as_backend(part) if part.type == "go" else _node_backend(part)


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


def _node_backend(part: Component) -> Plan:
    made = node.plan(part)
    program, command = node.program_of(part)
    return dataclasses.replace(
        made,
        builds=(node.build(part, name="Build backend", artifact="backend.tar.gz"),),
        checks=javascript.checks(part, " backend"),
        values={**node.run_values(program, command, app_dir=pages.below("backend", inside(part))), "backend": "pm2"},
    )
