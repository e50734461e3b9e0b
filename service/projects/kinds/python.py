"""Python: a package, a program or a server on another framework."""

from __future__ import annotations

import re

from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.places import is_side
from service.projects.python_application import web_application
from service.projects.python_manager import run_prefix
from service.projects.python_manifest import is_requirements
from service.projects.python_project import python_component
from service.projects.reading import table

_SERVERS = (
    "starlette",
    "python-fasthtml",
    "sanic",
    "quart",
    "tornado",
    "aiohttp",
    "litestar",
    "falcon",
    "bottle",
    "pyramid",
    "robyn",
    "streamlit",
    "gradio",
    "dash",
    "chainlit",
    "nicegui",
    "functions-framework",
    "reflex",
)
BOTS = ("discord-py", "python-telegram-bot", "aiogram", "pytelegrambotapi", "slack-bolt", "telethon", "pyrogram")

_FOR_TOOLS = re.compile(r"(?i)[-_.](?:dev|develop|development|tests?|testing|docs?|lint|ci)\b")
_ENDINGS = (".py", ".ipynb", ".pyx")
_ASIDE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|noxfile\w*|setup)\.py$")  # beside notebooks


def recognise(folder: Folder) -> Claim | None:
    if not any(folder.tree.suffixes[ending] for ending in _ENDINGS) or not _holds_code(folder):
        return None  # settings of a tool that happens to be written in Python
    if folder.tree.is_mostly_native:
        return Claim(
            0.4, (folder.fact(folder.names[0] if folder.names else "", "scripts beside code in another language"),)
        )
    name = next((path for path in folder.below if path.endswith(".ipynb")), None)
    if name and not any(path.endswith((".py", ".pyx")) and not _ASIDE.search(path) for path in folder.below):
        return Claim(0.45, (folder.fact(name, "notebooks, no program"),))
    framework = folder.python.first_of(*_SERVERS, *BOTS)
    evidence = [folder.python.dependencies[framework]] if framework else []
    if framework is None and (served := web_application(folder)) and served.framework in _SERVERS:
        framework = served.framework
        evidence.append(folder.fact(served.path, f"{served.application.name} is an application of {framework}"))
    manifest = folder.first("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "environment.yml")
    requirements = next((name for name in folder.names if is_requirements(name) and not _FOR_TOOLS.search(name)), None)
    entry = next(
        (
            name
            for name in ("main.py", "app.py", "application.py", "server.py", "bot.py", "run.py", "__main__.py")
            if folder.has(name)
        ),
        None,
    )
    scripts = [name for name in folder.names if name.endswith(".py")]
    if manifest == "pyproject.toml" and not _is_project(folder) and not requirements:
        return _scripts(folder, entry, scripts, framework)
    if manifest:
        evidence.append(folder.fact(manifest, "a Python project"))
        starts = "scripts" in table(folder.python.pyproject.get("project")) or (entry and not _is_built(folder))
        library = not framework and not starts
        return Claim(0.85, tuple(evidence), framework, library=library)
    if requirements or folder.has_folder("requirements"):
        evidence.append(folder.fact(requirements or "requirements", "requirements for pip"))
        has_code = any(path.endswith(_ENDINGS) and not is_side(path.rpartition("/")[0] or ".") for path in folder.below)
        return Claim(0.75 if scripts else 0.6 if has_code else 0.3, tuple(evidence), framework)
    return _scripts(folder, entry, scripts, framework)


def _holds_code(folder: Folder) -> bool:
    return any(path.endswith(_ENDINGS) for path in folder.below)


def _is_built(folder: Folder) -> bool:
    """Whether a package is made of the project, which others install."""
    return "build-system" in folder.python.pyproject or folder.has("setup.py", "setup.cfg")


def _is_project(folder: Folder) -> bool:
    """Whether pyproject.toml describes something to install or run, not only how to lint or what the tests need."""
    content = folder.python.pyproject
    needs = table(content.get("project")).get("dependencies")
    if needs == [] and "build-system" not in content and "dependency-groups" in content:
        return folder.has_folder("src")
    return (
        not content or any(key in content for key in ("project", "build-system")) or bool(folder.python.tool("poetry"))
    )


def _scripts(folder: Folder, entry: str | None, scripts: list[str], framework: str | None) -> Claim | None:
    if entry:
        return Claim(0.8 if framework else 0.65, (folder.fact(entry, "an entry file"),), framework)
    return Claim(0.55 if len(scripts) > 1 else 0.5, (folder.fact(scripts[0], "a script"),)) if scripts else None


def describe(folder: Folder) -> Component:
    served = web_application(folder)
    start, port = None, None
    if served and served.target:
        start, port = f"{run_prefix(folder)}uvicorn {served.target} --host 0.0.0.0 --port 8000", 8000
    elif folder.has("main.py"):
        start = f"{run_prefix(folder)}python main.py"
    return python_component(
        folder, type="python", app_object=served.target if served else None, start_command=start, default_port=port
    )


KIND = Kind("python", "backend", "python", recognise, describe)
