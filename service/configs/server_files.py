"""Files for the server that the pipeline does not bring: a unit, the right to restart it, PM2's file to read."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment

from service.configs.nginx.site import ACME_ROOT
from service.configs.place import Target
from service.configs.plan import Plan


def server_files(
    plan: Plan, targets: tuple[Target, ...], with_site: frozenset[str], templates: Environment
) -> tuple[tuple[str, str], ...]:
    """(path, text) of each, by environment; `with_site` are those that own a file of nginx."""
    found: list[tuple[str, str]] = []
    for target in targets:
        if plan.run == "systemd":
            found.append(_unit(plan, target, templates))
        if target.environment.name in with_site:
            found += _site(plan, target, templates)
        elif plan.run == "systemd":
            found.append(_sudoers(plan, target, templates, site=False))
    if plan.run == "pm2":
        found.append(
            ("pm2/ecosystem.config.cjs", templates.get_template("pm2/ecosystem.config.cjs").render(**plan.values))
        )
    pages = plan.values.get("pages")
    if isinstance(pages, Mapping):
        text = templates.get_template("pm2/ecosystem.config.cjs").render(**pages)
        found.append(("pm2/pages.config.cjs", text))
    return tuple(found)


def _unit(plan: Plan, target: Target, templates: Environment) -> tuple[str, str]:
    place = target.place
    values = {
        "app_name": place.app_name,
        "deploy_path": place.deploy_path,
        "port": place.port,
        # gunicorn tells systemd when it serves; uvicorn does not.
        "service_type": "notify" if plan.notifies else "exec",
    }
    return f"systemd/{place.app_name}.service", templates.get_template("systemd/service.service").render(**values)


def _site(plan: Plan, target: Target, templates: Environment) -> list[tuple[str, str]]:
    """What installs the nginx file of a release: a script for /usr/local/sbin, its unit, the right to start that."""
    place = target.place
    values = {
        "app_name": place.app_name,
        "deploy_path": place.deploy_path,
        "host": place.host,
        "acme_root": ACME_ROOT,
    }
    name = f"{place.app_name}-site"
    return [
        (f"nginx/install/{name}", templates.get_template("nginx/install.sh").render(**values)),
        (f"systemd/{name}.service", templates.get_template("systemd/site.service").render(**values)),
        _sudoers(plan, target, templates, site=True),
    ]


def _sudoers(plan: Plan, target: Target, templates: Environment, *, site: bool) -> tuple[str, str]:
    name = target.place.app_name
    text = templates.get_template("systemd/sudoers").render(app_name=name, unit=plan.run == "systemd", site=site)
    return f"systemd/{name}.sudoers", text
