"""FastAPI: an ASGI application of that class, served by uvicorn."""

from __future__ import annotations

import re

from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.kinds.python import BOTS
from service.projects.model import Component
from service.projects.python_application import is_for_others, is_published, web_application
from service.projects.python_manager import dependency, run_prefix
from service.projects.python_project import python_component

_ENTRY = re.compile(r"(?:^|/)(?:app|main|server|wsgi|asgi|web|api|run|manage|index|__init__)(?:/__init__)?\.py$")
_KEEPS_ALIVE = re.compile(r"(?:^|/)(?:keep_?alive|health\w*|ping|uptime|alive)\.py$")


def recognise(folder: Folder) -> Claim | None:
    return recognise_framework(folder, "fastapi", "FastAPI")


def recognise_framework(folder: Folder, framework: str, word: str, *others: str) -> Claim | None:
    """A claim if the folder's application is built with `framework`; a dependency that nothing uses is none."""
    served = web_application(folder)
    if served is None or served.framework != framework:
        return None
    depends = dependency(folder, framework, *others)
    if folder.python.first_of(*BOTS) and (depends is None or _KEEPS_ALIVE.search(served.path)):
        return None  # a page for whoever hosts the bot
    if served.application.hidden and is_published(folder, framework):
        return None  # a package that can start a server, too
    if not served.application.hidden and is_for_others(folder) and not _ENTRY.search(served.path):
        return None  # likewise, by a module among many
    evidence = [depends[1]] if depends else []
    how = (
        "builds" if served.application.factory else "is" if served.application.framework else "comes from a factory of"
    )
    evidence.append(folder.fact(served.path, f"{served.application.name} {how} {word}"))
    is_library = folder.python.name == framework
    confidence = (0.96 if depends else 0.85) - (0 if served.application.framework else 0.15)
    return Claim(round(confidence, 2), tuple(evidence), library=is_library)


def describe(folder: Folder) -> Component:
    served = web_application(folder)
    target = served.target if served else None
    factory = " --factory" if target and target.endswith("()") else ""
    start = (
        f"{run_prefix(folder)}uvicorn {target.removesuffix('()')}{factory} --host 0.0.0.0 --port 8000"
        if target
        else None
    )
    return python_component(folder, type="fastapi", app_object=target, start_command=start, default_port=8000)


KIND = Kind("fastapi", "backend", "python", recognise, describe)
