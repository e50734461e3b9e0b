"""Nuxt: Vue with a server of its own, or generated as files."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component

_NAMES = ("nuxt", "nuxt3", "nuxt-edge", "nuxt-nightly", "@nuxt/cli")


def recognise(folder: Folder) -> Claim | None:
    config, package = folder.config("nuxt.config"), folder.package
    name = package.first_of(*_NAMES) if package else None
    if package and name and (config or folder.has("app.vue", "app/app.vue") or package.script("build", "generate")):
        if package.is_offered and folder.has_folder("src/runtime"):
            return None  # a module for Nuxt, with a playground
        evidence = (package.fact(name), *([folder.fact(config, "configuration of Nuxt")] if config else []))
        return Claim(0.97 if config else 0.85, evidence)
    return Claim(0.8, (folder.fact(config, "configuration of Nuxt"),)) if config else None


def describe(folder: Folder) -> Component:
    source, package = folder.config_text("nuxt.config"), folder.package
    stated = (package.runtime.get("nuxt") or package.development.get("nuxt") or "") if package else ""
    is_second = re.match(r"[\^~]?2\.", stated) is not None or bool(package and package.depends_on("nuxt-edge"))
    build = package.scripts.get("build", "") if package else ""
    is_static = "generate" in build or javascript.setting(source, "target") == "static"
    is_static |= is_second and (javascript.is_set_false(source, "ssr") or javascript.setting(source, "mode") == "spa")
    if is_second and (is_static or (package and "generate" in package.scripts and "start" not in package.scripts)):
        return node_component(folder, type="nuxt", output_dir="dist", default_build="nuxt generate")
    if is_second:
        start = folder.node_manager.execute("nuxt start")
        return node_component(
            folder, type="nuxt", output_dir=".nuxt", start_command=start, default_port=3000, default_build="nuxt build"
        )
    if is_static or javascript.setting(source, "preset", within="nitro") == "static":
        return node_component(folder, type="nuxt", output_dir=".output/public", default_build="nuxt generate")
    start = "node .output/server/index.mjs"
    return node_component(
        folder, type="nuxt", output_dir=".output", start_command=start, default_port=3000, default_build="nuxt build"
    )


KIND = Kind("nuxt", "frontend", "javascript", recognise, describe)
