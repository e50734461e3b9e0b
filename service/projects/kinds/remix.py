"""Remix, also under its newer name: React Router as a framework."""

from __future__ import annotations

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component, production_start

_NAMES = (
    "@remix-run/dev",
    "@remix-run/react",
    "@remix-run/node",
    "@remix-run/server-runtime",
    "@remix-run/serve",
    "@react-router/dev",
)


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    config = folder.config("react-router.config") or folder.config("remix.config")
    name = package.first_of(*_NAMES) if package else None
    if package is None or not (config or (name and folder.has_folder("app"))):
        return None
    if javascript.is_set_false(folder.config_text("react-router.config"), "ssr"):
        return None  # without its server it is a React application like others
    evidence = [package.fact(name)] if name else []
    if config:
        evidence.append(folder.fact(config, "configuration of the framework"))
    framework = "react-router" if package.depends_on("@react-router/dev") else "remix"
    return Claim(0.95 if name else 0.8, tuple(evidence), framework)


def describe(folder: Folder) -> Component:
    is_router = folder.package is not None and folder.package.depends_on("@react-router/dev")
    directory = javascript.setting(folder.config_text("react-router.config"), "buildDirectory") or "build"
    serve = "react-router-serve" if is_router else "remix-serve"
    start = production_start(folder) or folder.node_manager.execute(f"{serve} {directory}/server/index.js")
    build = "react-router build" if is_router else "remix vite:build"
    return node_component(
        folder, type="remix", output_dir=directory, start_command=start, default_port=3000, default_build=build
    )


KIND = Kind("remix", "frontend", "javascript", recognise, describe)
