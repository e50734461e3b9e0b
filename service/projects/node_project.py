"""How a JavaScript project is installed, built, tested, started: its scripts, read as a pipeline needs them."""

from __future__ import annotations

import re

from service.projects import javascript, version_files
from service.projects.backing import backing_services
from service.projects.commands import command_port
from service.projects.folder import Folder
from service.projects.model import Component
from service.projects.node_starts import is_dev_server
from service.projects.outputs import moved
from service.projects.package import Package

_PLACEHOLDER = re.compile(r"no tests? (?:specified|yet)|^\s*(?:exit|true|echo)\b")
_NOT_TESTS = re.compile(r"^\s*(?:prettier|eslint|tsc|npm run lint)\b")


def node_component(
    folder: Folder,
    *,
    type: str,
    output_dir: str | None = None,
    start_command: str | None = None,
    default_port: int | None = None,
    default_build: str | None = None,
) -> Component:
    """The commands and facts that all JavaScript kinds share.

    `default_port` None means that nothing listens: the result is files. `default_build` is the tool's own build
    command, for a project without a build script.
    """
    manager, package = folder.node_manager, folder.package
    version, source = version_files.node(folder.tree, folder.root)
    return Component(
        type=type,
        language=language(folder),
        package_manager=manager.name,
        runtime_version=version,
        version_source=source,
        install_command=manager.install if package else None,
        install_root=_install_root(folder, package) if package else None,
        build_command=build_command(folder, default_build),
        test_command=test_command(folder),
        lint_command=lint_command(folder),
        output_dir=moved(folder, output_dir) if output_dir else None,
        start_command=start_command,
        port=server_port(folder, default_port) if default_port else None,
        services=backing_services(folder) if default_port else (),
        evidence=(manager.because,) if manager.because else (),
    )


def _install_root(folder: Folder, package: Package) -> str:
    """Where the lock file lies, else the package.json."""
    above = folder.node_manager.root
    return above if above != folder.root else package.path.rpartition("/")[0] or "."


def language(folder: Folder) -> str:
    """`typescript` where the compiler is configured or a dependency, else `javascript`."""
    typed = folder.has("tsconfig.json") or (folder.package and folder.package.depends_on("typescript"))
    return "typescript" if typed else "javascript"


def build_command(folder: Folder, default: str | None) -> str | None:
    """The build script under one of its usual names, else the tool's own command, run by the package manager."""
    script = (
        folder.package.script("build", "build:prod", "build:production", "build:client") if folder.package else None
    )
    if script and not _PLACEHOLDER.search(script[1]):
        return folder.node_manager.run(script[0])
    return folder.node_manager.execute(default) if default else None


def test_command(folder: Folder) -> str | None:
    """The test script, made to end: watchers get the option that turns watching off."""
    package, manager = folder.package, folder.node_manager
    script = package.script("test:ci", "test:unit", "test", "unit", "test:run") if package else None
    if package is None or script is None or _PLACEHOLDER.search(script[1]) or _NOT_TESTS.search(script[1]):
        return None
    name, command = script
    forward = " -- " if manager.name == "npm" else " "
    if re.search(r"react-scripts(?:-\w+)? test|react-app-rewired test|craco test", command):
        return f"CI=true {manager.run(name)}{forward}--watchAll=false"
    if re.fullmatch(r"\s*(?:\S+=\S+ )*vitest(?:\s+(?:watch|--(?!run)\S+))*\s*", command):
        return manager.execute("vitest run")
    if re.search(r"\bng test\b", command) and "--watch=false" not in command:
        browsers = " --browsers=ChromeHeadless" if package.depends_on("karma") else ""
        return manager.execute(f"ng test --watch=false{browsers}")
    return f"CI=true {manager.run(name)}" if "--watch" in command else manager.run(name)


def lint_command(folder: Folder) -> str | None:
    script = folder.package.script("lint:ci", "lint", "eslint", "lint:check") if folder.package else None
    return folder.node_manager.run(script[0]) if script and not _PLACEHOLDER.search(script[1]) else None


def production_start(folder: Folder) -> str | None:
    """The command that starts the server in production, or None: a script, else `main`, else a usual entry file."""
    package, manager = folder.package, folder.node_manager
    for name in ("start:prod", "start:production", "prod", "start", "serve"):
        command = package.scripts.get(name, "") if package else ""
        if command.strip() and not is_dev_server(command) and not _PLACEHOLDER.search(command):
            return manager.run(name)
    compiled = _compiled_entry(folder, package)
    if compiled:
        return f"node {compiled}"
    entry = next((name for name in folder.entry_names if name.endswith(("js", "/www"))), None)
    return f"node {entry}" if entry else None


def _compiled_entry(folder: Folder, package: Package | None) -> str | None:
    """`main` where it names what the build will write."""
    main = (package.main or "").removeprefix("./") if package else ""
    if package and "build" in package.scripts and re.match(r"(?:dist|build|lib|out)/", main) and folder.entry_names:
        return main
    return None


def server_port(folder: Folder, default: int) -> int:
    """The port a server listens on: compose, Dockerfile, start script, code, example environment, in this order."""
    for service in folder.own_services:
        if service.ports:
            return service.ports[0]
    if folder.dockerfile and folder.dockerfile.exposed:
        return folder.dockerfile.exposed[0]
    scripts = folder.package.scripts if folder.package else {}
    for name in ("start:prod", "start", "serve", "dev"):
        found = command_port(scripts.get(name, ""))
        if found:
            return found
    for name in folder.entry_names[:4]:
        found = javascript.port(folder.text(name) or "")
        if found:
            return found
    return environment_port(folder) or default


def environment_port(folder: Folder) -> int | None:
    """The port that an example of the environment sets."""
    for name in (".env.example", ".env.sample"):
        match = re.search(r"^\s*(?:APP_|SERVER_)?PORT\s*=\s*[\"']?(\d{2,5})\b", folder.text(name) or "", re.MULTILINE)
        if match:
            return int(match[1])
    return None
