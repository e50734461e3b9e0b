"""Flask: a WSGI application of that class, served by gunicorn."""

from __future__ import annotations

from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.kinds.fastapi import recognise_framework
from service.projects.model import Component
from service.projects.python_application import web_application
from service.projects.python_manager import run_prefix
from service.projects.python_project import python_component


def recognise(folder: Folder) -> Claim | None:
    return recognise_framework(
        folder, "flask", "Flask", "apiflask", "flask-restful", "flask-sqlalchemy", "flask-cors", "connexion"
    )


def describe(folder: Folder) -> Component:
    served = web_application(folder)
    target = served.target if served else None
    quoted = f"'{target}'" if target and target.endswith("()") else target
    start = f"{run_prefix(folder)}gunicorn --bind 0.0.0.0:5000 {quoted}" if target else None
    return python_component(folder, type="flask", app_object=target, start_command=start, default_port=5000)


KIND = Kind("flask", "backend", "python", recognise, describe)
