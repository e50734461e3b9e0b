"""The shell that deploys, rendered once for a plan and shared by its steps under names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment

from service.configs.document import Anchored
from service.configs.place import Target
from service.configs.plan import Plan


@dataclass(frozen=True, slots=True)
class Scripts:
    """Script items by what they do; `settings` by environment name, `sites` too for those that own a file of nginx."""

    settings: dict[str, Anchored]
    sites: dict[str, Anchored]
    connect: Anchored
    registry: Anchored | None
    environment: Anchored
    upload: Anchored
    install: Anchored
    activate: Anchored

    def definitions(self) -> list[Anchored]:
        """All of them, in the order in which a step uses them."""
        rest = (self.connect, self.registry, self.environment, self.upload, self.install, self.activate)
        return [*self.settings.values(), *self.sites.values(), *(script for script in rest if script is not None)]


def scripts(
    plan: Plan,
    targets: tuple[Target, ...],
    names: tuple[str, ...],
    keep_releases: int,
    sites: Mapping[str, str],
    templates: Environment,
) -> Scripts:
    """Render every script of the plan; `sites` are texts of nginx by the environments they are of.

    Values were checked by their grammars; texts of programs are quoted.
    """

    def made(name: str, template: str, **values: object) -> Anchored:
        text = templates.get_template(f"deploy/{template}.sh").render(**values)
        return Anchored(name, _tidy(text))

    values = {"pages": None, **plan.values, "install": plan.install, "run": plan.run}
    docker = plan.run == "docker"
    return Scripts(
        settings={
            target.environment.name: made(
                f"settings-{target.environment.name}",
                "settings",
                **settings(target),
                keep_releases=keep_releases,
                pages=plan.site.pages,
            )
            for target in targets
        },
        sites={name: made(f"site-{name}", "site", text=text) for name, text in sites.items()},
        connect=made("connect", "connect", pages=plan.site.pages),
        registry=made("registry", "registry") if docker else None,
        environment=made("environment", "environment", names=names, docker=docker),
        upload=made("upload", "upload"),
        install=made("install", "install", **values),
        activate=made("activate", "activate", **values),
    )


def settings(target: Target) -> dict[str, object]:
    """The values of `deploy/settings.sh`."""
    place = target.place
    return {
        "app_name": place.app_name,
        "host": place.host,
        "port": place.port,
        "candidate_port": place.candidate_port,
        "site_candidate_port": place.site_candidate_port,
        "pages_port": place.pages_port,
        "pages_candidate_port": place.pages_candidate_port,
        "inner_port": place.inner_port,
        "inner_candidate_port": place.inner_candidate_port,
        "server": target.server,
        "scheme": "https" if place.ssl else "http",
        "health_path": target.health_path,
        "health_status": target.health_status,
    }


def _tidy(text: str) -> str:
    # A block of YAML text cannot hold a line that ends in a space.
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"
