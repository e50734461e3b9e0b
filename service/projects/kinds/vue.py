"""Vue: a single-page application built by Vite, Vue CLI or webpack."""

from __future__ import annotations

from service.projects.bundler import INSTALLED_CONFIDENCE, bundler, has_page, installed, is_published
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.outputs import output_directory
from service.projects.quasar import quasar, quasar_output

_PLUGINS = ("@vitejs/plugin-vue", "@vitejs/plugin-vue2", "@vue/cli-service", "vue-loader", "@vitejs/plugin-vue-jsx")


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or (folder.has_folder("docs/.vitepress") and not folder.has("index.html", "public/index.html")):
        return None
    if sure := quasar(folder):
        return Claim(INSTALLED_CONFIDENCE if installed(package) else 0.95, (sure,), "quasar")
    tool, plugin = bundler(folder), package.first_of(*_PLUGINS)
    if not (package.depends_on("vue") or plugin) or not (tool or folder.config("vue.config")):
        return None
    evidence = [package.fact(name) for name in ("vue", plugin, tool) if name and package.depends_on(name)]
    evidence = list(dict.fromkeys(evidence))
    if is_published(folder) or not has_page(folder):
        return None
    if installed(package):
        return Claim(INSTALLED_CONFIDENCE, tuple(evidence))
    return Claim(0.96 if package.depends_on("vue") and plugin else 0.85, tuple(evidence))


def describe(folder: Folder) -> Component:
    if quasar(folder):
        return node_component(folder, type="vue", output_dir=quasar_output(folder), default_build="quasar build")
    return node_component(folder, type="vue", output_dir=output_directory(folder))


KIND = Kind("vue", "frontend", "javascript", recognise, describe)
