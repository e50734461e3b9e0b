"""Django: found by a manage.py that names settings, served through the WSGI or ASGI application they name."""

from __future__ import annotations

import re

from service.projects import python_statements
from service.projects.commands import served_application
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.places import is_side
from service.projects.python_application import entry_order, module_name
from service.projects.python_manager import dependency, run_prefix
from service.projects.python_project import python_component


def recognise(folder: Folder) -> Claim | None:
    settings = settings_module(folder) if folder.has("manage.py") else None
    if settings is None and not any(name.endswith(("wsgi.py", "asgi.py")) for name in entry_order(folder)):
        return None
    if settings and folder.python.name and is_side(settings.partition(".")[0]):
        return None  # a package for Django, with a project to try it in
    depends = dependency(folder, "django", "wagtail", "djangorestframework", "django-cms", "mezzanine", "django-ninja")
    evidence = [depends[1]] if depends else []
    if settings is not None:
        fact = folder.fact("manage.py", f"DJANGO_SETTINGS_MODULE {settings}".strip())
        return Claim(0.97 if depends else 0.9, (fact, *evidence))
    if not depends:
        return None
    for path in entry_order(folder):
        module = folder.tree.python(folder.path(path)) if path.endswith(("wsgi.py", "asgi.py")) else None
        if module and python_statements.environment_default(module, "DJANGO_SETTINGS_MODULE") is not None:
            return Claim(0.85, (*evidence, folder.fact(path, "serves Django")))
    return None


def settings_module(folder: Folder) -> str | None:
    """What manage.py sets DJANGO_SETTINGS_MODULE to; empty if it is computed, None if it is not Django's manage.py."""
    source = folder.text("manage.py") or ""
    module = folder.tree.python(folder.path("manage.py"))
    stated = python_statements.environment_default(module, "DJANGO_SETTINGS_MODULE") if module else _by_pattern(source)
    return "" if stated is None and "django.core.management" in source else stated


def _by_pattern(source: str) -> str | None:
    """A manage.py in Python 2 has no syntax tree here, but says the same."""
    match = re.search(r"setdefault\(\s*[\"']DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([\w.]+)[\"']", source)
    return match[1] if match else None


def describe(folder: Folder) -> Component:
    target = application(folder)
    asgi = target is not None and ("asgi" in target or dependency(folder, "channels", "daphne") is not None)
    server = "gunicorn -k uvicorn.workers.UvicornWorker" if asgi else "gunicorn"
    return python_component(
        folder,
        type="django",
        app_object=target,
        start_command=f"{run_prefix(folder)}{server} {target}" if target else None,
        default_port=8000,
    )


def application(folder: Folder) -> str | None:
    """`package.wsgi:application`: a written server command, else the settings' word, else the wsgi.py beside them."""
    written = _written(folder)
    if written:
        return written
    prefers_asgi = dependency(folder, "channels", "daphne") is not None
    for path in folder.below:
        if re.search(r"(?:^|/)settings(?:/\w+)?\.py$", path):
            module = folder.tree.python(folder.path(path))
            names = ("ASGI_APPLICATION", "WSGI_APPLICATION") if prefers_asgi else ("WSGI_APPLICATION",)
            stated = (
                next(filter(None, (python_statements.setting(module, name) for name in names)), None)
                if module
                else None
            )
            if stated and folder.has(f"{stated.rpartition('.')[0].replace('.', '/')}.py"):
                return ":".join(stated.rpartition(".")[::2])
    return (
        _beside_settings(folder, "asgi" if prefers_asgi else "wsgi")
        or _beside_settings(folder, "wsgi")
        or _beside_settings(folder, "asgi")
    )


def _written(folder: Folder) -> str | None:
    """The object that a Procfile, compose file or Dockerfile serves, if its module is here."""
    for _, command in folder.commands:
        target = served_application(command)
        if target and folder.has(target.partition(":")[0].replace(".", "/") + ".py"):
            return target
    return None


def _beside_settings(folder: Folder, stem: str) -> str | None:
    """The module nearest to the package that the settings live in, then the one nearest to manage.py."""
    package = (settings_module(folder) or "").partition(".")[0]
    found = [path for path in folder.below if path.endswith(f"/{stem}.py") or path == f"{stem}.py"]
    best = min(found, key=lambda path: (not path.startswith(f"{package}/"), path.count("/"), path), default=None)
    return f"{module_name(folder, best)}:application" if best else None


KIND = Kind("django", "backend", "python", recognise, describe)
