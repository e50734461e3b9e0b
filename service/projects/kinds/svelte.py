"""Svelte without SvelteKit: a single-page application built by Vite or Rollup."""

from __future__ import annotations

from service.projects.bundler import INSTALLED_CONFIDENCE, bundler, has_page, installed, is_published
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.outputs import output_directory


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or not package.depends_on("svelte") or not bundler(folder):
        return None
    evidence = (package.fact("svelte"),)
    if is_published(folder) or not has_page(folder):
        return None
    return Claim(INSTALLED_CONFIDENCE if installed(package) else 0.94, evidence)


def describe(folder: Folder) -> Component:
    if folder.package and folder.package.depends_on("sapper"):
        return node_component(folder, type="svelte", output_dir="__sapper__/export", default_build="sapper export")
    # The Rollup template writes into public/ beside the page that is already there.
    is_rollup = bundler(folder) == "rollup"
    return node_component(folder, type="svelte", output_dir="public" if is_rollup else output_directory(folder))


KIND = Kind("svelte", "frontend", "javascript", recognise, describe)
