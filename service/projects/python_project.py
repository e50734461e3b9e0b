"""How a Python project is tested, linted, reached: the facts that all its kinds share."""

from __future__ import annotations

import re

from service.projects import python_statements, version_files
from service.projects.backing import backing_services
from service.projects.commands import command_port
from service.projects.folder import Folder
from service.projects.model import Component
from service.projects.node_project import environment_port
from service.projects.python_application import modules
from service.projects.python_manager import dependency, python_manager, run_prefix
from service.projects.reading import table


def python_component(
    folder: Folder,
    *,
    type: str,
    start_command: str | None = None,
    app_object: str | None = None,
    default_port: int | None = None,
) -> Component:
    """The commands and facts that all Python kinds share."""
    name, install, install_root, because = python_manager(folder)
    version, source = version_files.python(folder.tree, folder.root)
    return Component(
        type=type,
        language="python",
        package_manager=name,
        runtime_version=version,
        version_source=source,
        install_command=install or None,
        install_root=install_root if install else None,
        test_command=test_command(folder),
        lint_command=lint_command(folder),
        start_command=start_command,
        app_object=app_object,
        port=python_port(folder, default_port) if default_port else None,
        services=backing_services(folder),
        evidence=(because,) if because else (),
    )


# Where a runner finds tests by itself: `test_shop.py`, `shop_test.py`, Django's `tests.py`.
TEST_MODULE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|tests)\.py$")


def test_command(folder: Folder) -> str | None:
    """pytest where anything points to it, Django's own runner beside a manage.py, unittest for bare test modules."""
    pytest = dependency(folder, "pytest", "pytest-django", "pytest-asyncio", "pytest-cov")
    configured = folder.has("pytest.ini", "conftest.py", "tests/conftest.py") or "pytest" in table(
        folder.python.pyproject.get("tool")
    )
    written = any(TEST_MODULE.search(path) for path in folder.below)
    if (pytest or configured) and written:  # without a test pytest ends with 5, and a pipeline with it
        return f"{run_prefix(folder)}pytest"
    if folder.has("manage.py"):
        return f"{run_prefix(folder)}python manage.py test"
    if folder.has("tox.ini"):
        return "tox"
    if folder.has("noxfile.py"):
        return "nox"
    return f"{run_prefix(folder)}python -m unittest discover" if written else None


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
    for module in modules(folder, "port"):
        found = python_statements.port(module)
        if found:
            return found
    return environment_port(folder) or default
