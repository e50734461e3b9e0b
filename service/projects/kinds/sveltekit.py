"""SvelteKit: Svelte with routes of its own; the adapter decides between a server or files."""

from __future__ import annotations

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or not package.depends_on("@sveltejs/kit"):
        return None
    if (
        "svelte" in package.peers
        and not package.private
        and "svelte" in package.scripts.get("package", "svelte-package")
    ):
        return Claim(0.6, (package.fact("@sveltejs/kit"),), library=True)
    has_routes = folder.has_folder("src/routes") or folder.config("svelte.config") is not None
    return Claim(0.97 if has_routes else 0.7, (package.fact("@sveltejs/kit"),))


def describe(folder: Folder) -> Component:
    adapters = javascript.imports(folder.config_text("svelte.config"))
    if "@sveltejs/adapter-static" in adapters:
        written = javascript.setting(folder.config_text("svelte.config"), "pages")
        return node_component(folder, type="sveltekit", output_dir=written or "build", default_build="vite build")
    if "@sveltejs/adapter-node" not in adapters:
        folder.tree.warn(
            "SvelteKit has no adapter for Node.js or for files; @sveltejs/adapter-node is needed to run it"
        )
    return node_component(
        folder,
        type="sveltekit",
        output_dir="build",
        start_command="node build",
        default_port=3000,
        default_build="vite build",
    )


KIND = Kind("sveltekit", "frontend", "javascript", recognise, describe)
