"""Where a Python project's web application is made, by which name a server finds it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.projects import python_source, python_statements
from service.projects.commands import served_application
from service.projects.containers import is_dockerfile
from service.projects.folder import Folder
from service.projects.node_manager import parents
from service.projects.python_manager import dependency
from service.projects.python_manifest import is_requirements
from service.projects.python_source import Application
from service.projects.reading import strings, table

# Classifiers that somebody writes who publishes.
_FOR_OTHERS = re.compile(r"(?:Framework|Development Status|Intended Audience|Topic) ::")
_ROOT_FILES = ("pyproject.toml", "Pipfile", "setup.py", "manage.py", "environment.yml")


@dataclass(frozen=True, slots=True)
class Served:
    """A web application: the module that makes it, its framework, the object that a server is given (None: unknown)."""

    path: str
    application: Application
    framework: str
    target: str | None


def web_application(folder: Folder) -> Served | None:
    """The folder's web application; None if no module offers one.

    A server command that somebody wrote down names the object; else it is the one in the first module, likeliest entry
    first, that has an application at its top level, else an application factory.
    """
    return folder.tree.remember("web application", folder.root, lambda: _web_application(folder))


def _web_application(folder: Folder) -> Served | None:
    made = list(_offered(folder))
    if not made:
        return None
    framework = next((app.framework for _, app in made if app.framework), None) or _only_framework(folder)
    if framework is None:
        return None
    written = next(filter(None, (served_application(command) for _, command in folder.commands)), None)
    if written:
        module = written.partition(":")[0].rpartition(".")[2]
        path, app = next((pair for pair in made if pair[0].endswith(f"{module}.py")), made[0])
        return Served(path, app, app.framework or framework, written)
    path, app = min(made, key=_preference)
    unreachable = app.needs_arguments or app.hidden
    target = None if unreachable else f"{module_name(folder, path)}:{app.name}{'()' if app.factory else ''}"
    return Served(path, app, app.framework or framework, target)


def _preference(pair: tuple[str, Application]) -> tuple[bool, bool, bool]:
    """An object before a factory, one that can be served before one that cannot; else the likelier file."""
    return pair[1].hidden, pair[1].factory, pair[1].needs_arguments


def _offered(folder: Folder) -> Iterator[tuple[str, Application]]:
    """The applications of the folder's modules, likeliest entry first, up to the first that settles the matter."""
    for name in entry_order(folder):
        source = folder.text(name)
        module = (
            folder.tree.python(folder.path(name)) if source and python_source.may_hold_application(source) else None
        )
        for app in python_source.applications(module) if module is not None else ():
            yield name, app
            if app.framework and not app.factory:
                return


def is_published(folder: Folder, framework: str) -> bool:
    """Whether the project is a package for others: it bears the framework's name or tells for whom it is made, and
    nothing here deploys it."""
    named = framework in (folder.python.name or "") and not (folder.commands or folder.dockerfile)
    return named or is_for_others(folder)


def is_for_others(folder: Folder) -> bool:
    """Whether the project tells for whom it is made, in the words of who publishes, and nothing here deploys it."""
    if folder.commands or folder.dockerfile:
        return False
    project = table(folder.python.pyproject.get("project")) or folder.python.tool("poetry")
    told = [*strings(project.get("classifiers")), folder.text("setup.py") or "", folder.text("setup.cfg") or ""]
    return any(_FOR_OTHERS.search(text) for text in told)


def _only_framework(folder: Folder) -> str | None:
    """The framework among the dependencies, if there is exactly one: then `app = create_app()` is of that one."""
    found = {
        name for name in ("fastapi", "flask", "quart", "sanic", "starlette", "litestar") if dependency(folder, name)
    }
    if "fastapi" in found:
        found.discard("starlette")  # which FastAPI is made of
    return found.pop() if len(found) == 1 else None


def modules(folder: Folder, word: str) -> Iterator[ast.Module]:
    """The modules of the folder that were read and hold `word` as a whole word (`import` is none for `port`), likeliest
    entry first; those of packages apart."""
    held = re.compile(rf"\b{re.escape(word)}\b")
    for name in entry_order(folder):
        if not name.endswith("__init__.py") and held.search(folder.text(name) or ""):
            module = folder.tree.python(folder.path(name))
            if module is not None:
                yield module


def entry_order(folder: Folder) -> tuple[str, ...]:
    """The Python files that were read: by name (`wsgi`, `asgi`, `main`, `app` …), then by depth, then by path.

    What lies in a project of its own further down (`backend/` with its own requirements) belongs to that one.
    """
    return folder.tree.remember("python entries", folder.root, lambda: _entry_order(folder))


def _entry_order(folder: Folder) -> tuple[str, ...]:
    prefix = "" if folder.root == "." else f"{folder.root}/"
    read = [path for path in folder.tree.read if path.endswith(".py") and path.startswith(prefix)]
    names = [path[len(prefix) :] for path in read if not _is_nested(folder, path)]
    return tuple(sorted((name for name in names if name.count("/") <= 5), key=_entry_rank))


def _is_nested(folder: Folder, path: str) -> bool:
    """Whether a directory between the folder and the file has a Python manifest of its own."""
    between = parents(path.rpartition("/")[0] or ".")
    between = between[: between.index(folder.root)] if folder.root in between else ()
    return any(
        is_requirements(name) or is_dockerfile(name) or name in _ROOT_FILES
        for above in between
        for name in folder.tree.names(above)
    )


def _entry_rank(name: str) -> tuple[int, int, str]:
    order = ("wsgi", "asgi", "main", "app", "server", "application", "run", "manage", "api", "index")
    stem = name.rpartition("/")[2].removesuffix(".py")
    return (order.index(stem) if stem in order else len(order) + (stem == "__init__"), name.count("/"), name)


def module_name(folder: Folder, path: str) -> str:
    """The dotted name of a module as seen from the folder; a `src/` that is no package is not part of it.

    If the folder is a package itself, its own name comes first: the module can only be imported from above, unless
    it imports what lies in the folder by plain names.
    """
    parts = path.removesuffix(".py").split("/")
    if folder.has("__init__.py") and folder.root != "." and not _imports_siblings(folder, path):
        parts.insert(0, folder.root.rpartition("/")[2])
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    if parts[0] == "src" and len(parts) > 1 and not folder.has("src/__init__.py"):
        parts = parts[1:]
    return ".".join(parts)


def _imports_siblings(folder: Folder, path: str) -> bool:
    """Whether a module imports others of the folder as one does that is started in the folder itself."""
    module = folder.tree.python(folder.path(path))
    names = python_statements.imported(module) if module is not None else ()
    return any(folder.has(f"{name}.py") or folder.has_folder(name) for name in names)
