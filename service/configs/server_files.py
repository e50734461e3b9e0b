"""Files for the server that the pipeline does not bring: a unit, the right to restart it, PM2's file to read."""

from __future__ import annotations

from jinja2 import Environment

from service.configs.place import Target
from service.configs.plan import Plan


def server_files(plan: Plan, targets: tuple[Target, ...], templates: Environment) -> tuple[tuple[str, str], ...]:
    """(path, text) of each, by environment."""
    if plan.run == "systemd":
        return tuple(file for target in targets for file in _unit(plan, target, templates))
    if plan.run == "pm2":
        text = templates.get_template("pm2/ecosystem.config.cjs").render(**plan.values)
        return (("pm2/ecosystem.config.cjs", text),)
    return ()


def _unit(plan: Plan, target: Target, templates: Environment) -> tuple[tuple[str, str], ...]:
    place = target.place
    values = {
        "app_name": place.app_name,
        "deploy_path": place.deploy_path,
        "port": place.port,
        # gunicorn tells systemd when it serves; uvicorn does not.
        "service_type": "notify" if plan.notifies else "exec",
    }
    return (
        (f"systemd/{place.app_name}.service", templates.get_template("systemd/service.service").render(**values)),
        (f"systemd/{place.app_name}.sudoers", templates.get_template("systemd/sudoers").render(**values)),
    )
