"""Angular: a single-page application built by its own command line."""

from __future__ import annotations

from collections.abc import Mapping

from service.projects.bundler import INSTALLED_CONFIDENCE, installed
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component, Evidence
from service.projects.node_project import node_component
from service.projects.nx import seen_from
from service.projects.outputs import output_directory
from service.projects.reading import string, table
from service.projects.tree import Tree

_TOOLS = (
    "@angular/cli",
    "@angular/build",
    "@angular-devkit/build-angular",
    "@nx/angular",
    "@nrwl/angular",
    "@angular-builders/custom-webpack",
    "@ngtools/webpack",
)
_FLAT = ("browser", "browser-esbuild")


def recognise(folder: Folder) -> Claim | None:
    project = folder.tree.json_with_comments(folder.path("project.json"))
    executor = _builder(project)
    if "angular" in executor and "build" in _targets(project) and string(project.get("projectType")) != "library":
        return Claim(0.95, (Evidence(folder.path("project.json"), f"build by {executor}"),))
    package, config = folder.package, folder.first("angular.json", ".angular-cli.json", "angular-cli.json")
    if package is None:
        return Claim(0.6, (folder.fact(config, "workspace of Angular"),)) if config else None
    tool = package.first_of(*_TOOLS)
    if not package.depends_on("@angular/core") or not (config or tool):
        return None
    evidence = [package.fact("@angular/core")]
    if config:
        evidence.append(folder.fact(config, "workspace of Angular"))
    if (
        config == "angular.json"
        and folder.tree.was_read(folder.path(config))
        and not _application(folder.tree, folder.path(config))[1]
    ):
        return Claim(0.6, tuple(evidence), library=True)
    if config is None and not folder.has("src/main.ts", "src/index.html", "src/app/main.ts"):
        return None  # dependencies of an Nx workspace whose applications lie below
    if installed(package):
        return Claim(INSTALLED_CONFIDENCE, tuple(evidence))
    return Claim(0.97 if config and tool else 0.85, tuple(evidence))


def describe(folder: Folder) -> Component:
    return node_component(folder, type="angular", output_dir=_output(folder), default_build="ng build")


def _output(folder: Folder) -> str | None:
    if folder.has("project.json"):
        project = folder.tree.json_with_comments(folder.path("project.json"))
        output = _build_output(string(project.get("name")) or folder.root.rpartition("/")[2], _targets(project))
        return seen_from(folder.root, output)  # Nx counts from the top of its workspace
    old = folder.tree.json_with_comments(folder.path(".angular-cli.json"))
    if old:
        apps = old.get("apps")
        first = table(apps[0]) if isinstance(apps, list) and apps else {}
        return string(first.get("outDir")) or "dist"
    name, project = _application(folder.tree, folder.path("angular.json"))
    return _build_output(name, _targets(project)) if project else output_directory(folder)


def _application(tree: Tree, path: str) -> tuple[str, Mapping[str, object]]:
    """The project that is deployed: the default one, else the first that is an application; ("", {}) for none."""
    content = tree.json_with_comments(path)
    projects = table(content.get("projects"))
    default = string(content.get("defaultProject"))
    names = [default, *projects] if default else [*projects]
    for name in names:
        project = table(projects.get(name))
        if project and project.get("projectType", "application") == "application" and not name.endswith("-e2e"):
            return name, project
    return "", {}


def _targets(project: Mapping[str, object]) -> Mapping[str, object]:
    return table(project.get("architect")) or table(project.get("targets"))


def _builder(project: Mapping[str, object]) -> str:
    build = table(_targets(project).get("build"))
    return string(build.get("builder")) or string(build.get("executor")) or ""


def _build_output(name: str, targets: Mapping[str, object]) -> str:
    """`outputPath` may be a string or {base, browser}; builders but the oldest write the pages into `browser/`."""
    build = table(targets.get("build"))
    builder = (string(build.get("builder")) or string(build.get("executor")) or "").rpartition(":")[2]
    chosen = string(build.get("defaultConfiguration")) or "production"
    override = table(table(build.get("configurations")).get(chosen)).get("outputPath")
    written = override or table(build.get("options")).get("outputPath")
    base = string(written) or string(table(written).get("base")) or f"dist/{name}"
    if builder != "application":
        return base.rstrip("/")
    browser = table(written).get("browser", "browser")
    return f"{base.rstrip('/')}/{browser}".rstrip("/") if isinstance(browser, str) else base


KIND = Kind("angular", "frontend", "typescript", recognise, describe)
