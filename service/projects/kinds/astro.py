"""Astro: content built into pages, rendered on a server only where asked to."""

from __future__ import annotations

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component


def recognise(folder: Folder) -> Claim | None:
    config, package = folder.config("astro.config"), folder.package
    depends = package is not None and package.depends_on("astro")
    if package and depends and (config or folder.has_folder("src/pages")):
        evidence = [package.fact("astro")]
        return Claim(0.96, (*evidence, *([folder.fact(config, "configuration of Astro")] if config else [])))
    return Claim(0.75, (folder.fact(config, "configuration of Astro"),)) if config else None


def describe(folder: Folder) -> Component:
    source = folder.config_text("astro.config")
    directory = (javascript.setting(source, "outDir") or "dist").removeprefix("./").rstrip("/")
    on_server = javascript.setting(source, "output") in ("server", "hybrid")
    if on_server and "@astrojs/node" in javascript.imports(source):
        start = f"node {directory}/server/entry.mjs"
        return node_component(
            folder,
            type="astro",
            output_dir=directory,
            start_command=start,
            default_port=4321,
            default_build="astro build",
        )
    if on_server:
        folder.tree.warn("Astro renders on a server but has no adapter for Node.js; @astrojs/node is needed to run it")
    return node_component(folder, type="astro", output_dir=directory, default_build="astro build")


KIND = Kind("astro", "frontend", "javascript", recognise, describe)
