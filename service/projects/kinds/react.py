"""React: a single-page application built by Vite, Create React App, webpack or another bundler."""

from __future__ import annotations

from service.projects.bundler import INSTALLED_CONFIDENCE, bundler, has_page, installed, is_published, is_workspace
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component, production_start
from service.projects.outputs import output_directory

_PLUGINS = (
    "react-scripts",
    "@vitejs/plugin-react",
    "@vitejs/plugin-react-swc",
    "@craco/craco",
    "react-app-rewired",
    "@rsbuild/plugin-react",
)
_TANSTACK = ("@tanstack/react-start", "@tanstack/start")
_UMI = ("umi", "@umijs/max")  # which bring React along


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or package.depends_on("@docusaurus/core"):
        return None
    # With its server it would be Remix's; at the top of a workspace the packages below depend on it.
    if package.depends_on("@react-router/dev") and not is_workspace(folder):
        return Claim(0.9, (package.fact("@react-router/dev"),), "react-router")
    if tanstack := package.first_of(*_TANSTACK):
        return Claim(0.9, (package.fact(tanstack),), "tanstack-start")
    umi = None if package.publishes or installed(package) or is_workspace(folder) else package.first_of(*_UMI)
    if umi:
        return Claim(0.9, (package.fact(umi),), "umi")
    tool, plugin = bundler(folder), package.first_of(*_PLUGINS)
    if not (package.depends_on("react") or plugin) or not tool:
        return None
    evidence = tuple(
        dict.fromkeys(package.fact(name) for name in ("react", plugin, tool) if name and package.depends_on(name))
    )
    if is_published(folder) or not has_page(folder):
        return None
    if installed(package):
        return Claim(INSTALLED_CONFIDENCE, evidence)
    return Claim(0.97 if package.depends_on("react") and plugin else 0.85, evidence)


def describe(folder: Folder) -> Component:
    if folder.package and folder.package.depends_on("@react-router/dev"):
        return node_component(folder, type="react", output_dir="build/client", default_build="react-router build")
    if folder.package and folder.package.depends_on(*_TANSTACK):
        start = production_start(folder) or "node .output/server/index.mjs"
        return node_component(folder, type="react", output_dir=".output", start_command=start, default_port=3000)
    own_build = "rw build web" if folder.package and folder.package.depends_on("@redwoodjs/web") else None
    return node_component(folder, type="react", output_dir=output_directory(folder), default_build=own_build)


KIND = Kind("react", "frontend", "javascript", recognise, describe)
