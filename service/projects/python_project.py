"""How a Python project is installed, tested, served, found in its manifests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from service.projects import python_source, version_files
from service.projects.backing import backing_services
from service.projects.containers import command_port, is_dockerfile, served_application
from service.projects.folder import Folder
from service.projects.model import Component, Evidence
from service.projects.node_manager import parents
from service.projects.node_project import environment_port
from service.projects.python_manifest import PythonManifest, is_requirements, python_manifest
from service.projects.python_source import Application
from service.projects.reading import table
from service.projects.tree import resolve

# A modern tool's lock file wins over requirements.txt, which is often an export of it.
_LOCKS = (
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("pdm.lock", "pdm"),
    ("Pipfile.lock", "pipenv"),
    ("Pipfile", "pipenv"),
)
_INSTALL = {
    "uv": "uv sync --frozen", "poetry": "poetry install --no-interaction", "pdm": "pdm sync",
    "pipenv": "pipenv install --deploy --dev", "conda": "conda env update --name base --file environment.yml",
}  # fmt: skip
_ROOT_FILES = ("pyproject.toml", "Pipfile", "setup.py", "manage.py", "environment.yml")
_UNLOCKED = {"uv": "uv sync", "pdm": "pdm install", "pipenv": "pipenv install --dev"}
_RUN = {"uv": "uv run ", "poetry": "poetry run ", "pdm": "pdm run ", "pipenv": "pipenv run "}

Manager = tuple[str, str, str, Evidence | None]  # its name, the install command, where that runs, why


def manifests(folder: Folder) -> tuple[PythonManifest, ...]:
    """The folder's manifest, then those of the directories above it: requirements may lie beside the code's root."""
    return tuple(python_manifest(folder.tree, above) for above in parents(folder.root))


def dependency(folder: Folder, *names: str) -> tuple[str, Evidence] | None:
    """The first of `names` that the folder, or a directory above it, depends on, with the line that says so."""
    for manifest in manifests(folder):
        name = manifest.first_of(*names)
        if name:
            return name, manifest.dependencies[name]
    return None


def python_manager(folder: Folder) -> Manager:
    """The package manager: by the nearest lock file or manifest on the way up."""
    for above in parents(folder.root):
        names = folder.tree.names(above)
        found = next(((lock, name) for lock, name in _LOCKS if lock in names), None)
        requirements = next(
            (name for name in ("requirements.txt", *names) if name in names and is_requirements(name)), None
        )
        if found:
            lock, name = found
            if requirements:
                folder.tree.warn(f"both {lock} and {requirements} in {above}; {name} is used")
            command = _INSTALL[name] if lock != "Pipfile" else _UNLOCKED[name]
            return name, command, above, Evidence(resolve(above, lock) or lock, f"lock file of {name}")
        if requirements:
            because = Evidence(resolve(above, requirements) or requirements, "requirements for pip")
            return "pip", f"pip install -r {requirements}", above, because
        if tuple(folder.tree.names(resolve(above, "requirements") or "")):
            return _pip_folder(folder, above)
        if "environment.yml" in names:
            return (
                "conda",
                _INSTALL["conda"],
                above,
                Evidence(resolve(above, "environment.yml") or "", "conda environment"),
            )
        if "pyproject.toml" in names:
            return _workspace_lock(folder, above) or _by_pyproject(folder, above)
        if "setup.py" in names or "setup.cfg" in names:
            return "pip", "pip install .", above, None
    return "pip", "", folder.root, None


def _pip_folder(folder: Folder, above: str) -> Manager:
    """`requirements/` with a file per environment: production's is what is deployed."""
    names = folder.tree.names(resolve(above, "requirements") or "")
    preferred = ("production.txt", "prod.txt", "base.txt", "common.txt", "main.txt")
    name = next((name for name in preferred if name in names), names[0])
    path = f"requirements/{name}"
    return "pip", f"pip install -r {path}", above, Evidence(resolve(above, path) or path, "requirements for pip")


def _workspace_lock(folder: Folder, member: str) -> Manager | None:
    """The manager whose lock file lies above a project without one: a member of a workspace shares it."""
    for above in parents(member)[1:]:
        for lock, name in _LOCKS[:3]:
            if lock in folder.tree.names(above):
                return name, _INSTALL[name], above, Evidence(resolve(above, lock) or lock, f"lock file of {name}")
    return None


def _by_pyproject(folder: Folder, above: str) -> Manager:
    path = resolve(above, "pyproject.toml") or ""
    tool = table(folder.tree.toml(path).get("tool"))
    for name in ("poetry", "pdm", "uv"):
        if name in tool:
            return name, _UNLOCKED.get(name, _INSTALL[name]), above, Evidence(path, f"[tool.{name}]")
    return "pip", "pip install .", above, Evidence(path, "a project for pip")


def python_component(
    folder: Folder,
    *,
    type: str,
    start_command: str | None = None,
    app_object: str | None = None,
    default_port: int | None = None,
) -> Component:
    """The commands and facts that all Python kinds share."""
    name, install, _, because = python_manager(folder)
    version, source = version_files.python(folder.tree, folder.root)
    return Component(
        type=type,
        language="python",
        package_manager=name,
        runtime_version=version,
        version_source=source,
        install_command=install or None,
        test_command=test_command(folder),
        lint_command=lint_command(folder),
        start_command=start_command,
        app_object=app_object,
        port=python_port(folder, default_port) if default_port else None,
        services=backing_services(folder),
        evidence=(because,) if because else (),
    )


def run_prefix(folder: Folder) -> str:
    """What stands before a command to run it in the manager's environment."""
    return _RUN.get(python_manager(folder)[0], "")


def test_command(folder: Folder) -> str | None:
    """pytest where anything points to it, Django's own runner beside a manage.py, unittest for bare test modules."""
    pytest = dependency(folder, "pytest", "pytest-django", "pytest-asyncio", "pytest-cov")
    configured = folder.has("pytest.ini", "conftest.py", "tests/conftest.py") or "pytest" in table(
        folder.python.pyproject.get("tool")
    )
    if pytest or configured:
        return f"{run_prefix(folder)}pytest"
    if folder.has("manage.py"):
        return f"{run_prefix(folder)}python manage.py test"
    if folder.has("tox.ini"):
        return "tox"
    if folder.has("noxfile.py"):
        return "nox"
    tests = [path for path in folder.below if path.rpartition("/")[2].startswith("test_") and path.endswith(".py")]
    return f"{run_prefix(folder)}python -m unittest discover" if tests else None


def lint_command(folder: Folder) -> str | None:
    tool = table(folder.python.pyproject.get("tool"))
    if folder.has("ruff.toml", ".ruff.toml") or "ruff" in tool or dependency(folder, "ruff"):
        return f"{run_prefix(folder)}ruff check ."
    if folder.has(".flake8") or dependency(folder, "flake8"):
        return f"{run_prefix(folder)}flake8"
    return f"{run_prefix(folder)}pylint ." if folder.has(".pylintrc") else None


def python_port(folder: Folder, default: int) -> int:
    """The port a server listens on: compose, Dockerfile, written commands, code, example environment, in this order."""
    for service in folder.own_services:
        if service.ports:
            return service.ports[0]
    if folder.dockerfile and folder.dockerfile.exposed:
        return folder.dockerfile.exposed[0]
    for _, command in folder.commands:
        found = command_port(command)
        if found:
            return found
    for path, module in modules(folder):
        found = python_source.port(module) if not path.endswith("__init__.py") else None
        if found:
            return found
    return environment_port(folder) or default


def modules(folder: Folder) -> tuple[tuple[str, ast.Module], ...]:
    """The Python files of the folder that were read, as (path relative to the folder, tree), likeliest entry first."""
    found = []
    for name in entry_order(folder):
        module = folder.tree.python(folder.path(name))
        if module is not None:
            found.append((name, module))
    return tuple(found)


def entry_order(folder: Folder) -> tuple[str, ...]:
    """The Python files that were read: by name (`wsgi`, `asgi`, `main`, `app` …), then by depth, then by path.

    What lies in a project of its own further down (`backend/` with its own requirements) belongs to that one.
    """
    return folder.tree.remember("python entries", folder.root, lambda: _entry_order(folder))


def _entry_order(folder: Folder) -> tuple[str, ...]:
    prefix = "" if folder.root == "." else f"{folder.root}/"
    read = [path for path in folder.tree.read if path.endswith(".py") and path.startswith(prefix)]
    names = [path[len(prefix) :] for path in read if not _is_nested(folder, path)]
    return tuple(sorted((name for name in names if name.count("/") <= 3), key=_entry_rank))


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
    order = ("wsgi", "asgi", "main", "app", "server", "application", "run", "api", "index")
    stem = name.rpartition("/")[2].removesuffix(".py")
    return (order.index(stem) if stem in order else len(order) + (stem == "__init__"), name.count("/"), name)


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
    target = None if app.needs_arguments else f"{module_name(folder, path)}:{app.name}{'()' if app.factory else ''}"
    return Served(path, app, app.framework or framework, target)


def _preference(pair: tuple[str, Application]) -> tuple[bool, bool]:
    """An object before a factory, one that can be served before one that cannot; else the likelier file."""
    return pair[1].factory, pair[1].needs_arguments


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


def _only_framework(folder: Folder) -> str | None:
    """The framework among the dependencies, if there is exactly one: then `app = create_app()` is of that one."""
    found = {
        name for name in ("fastapi", "flask", "quart", "sanic", "starlette", "litestar") if dependency(folder, name)
    }
    if "fastapi" in found:
        found.discard("starlette")  # which FastAPI is made of
    return found.pop() if len(found) == 1 else None


def module_name(folder: Folder, path: str) -> str:
    """The dotted name of a module as seen from the folder; a `src/` that is no package is not part of it.

    If the folder is a package itself, its own name comes first: the module can only be imported from above.
    """
    parts = path.removesuffix(".py").split("/")
    if folder.has("__init__.py") and folder.root != ".":
        parts.insert(0, folder.root.rpartition("/")[2])
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    if parts[0] == "src" and len(parts) > 1 and not folder.has("src/__init__.py"):
        parts = parts[1:]
    return ".".join(parts)
