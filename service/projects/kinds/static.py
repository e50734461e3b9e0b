"""Static sites: plain pages, pages from a generator, pages from a bundler without a framework of their own here."""

from __future__ import annotations

from service.projects import generators
from service.projects.bundler import (
    INSTALLED_CONFIDENCE,
    bundler,
    installed,
    is_nested,
    is_published,
    is_shown,
)
from service.projects.folder import Folder
from service.projects.generators import generator
from service.projects.kind import Claim, Kind
from service.projects.kinds.node import is_tooling
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.outputs import output_directory
from service.projects.parts import FRONT_NAME

_LIBRARIES = (
    "solid-js",
    "preact",
    "lit",
    "@builder.io/qwik",
    "alpinejs",
    "three",
    "phaser",
    "ember-source",
    "@stencil/core",
    "mithril",
)
_KINDS_OF_THEIR_OWN = ("@angular/core", "react-dom", "vue", "svelte")  # which have said no by then, or say it better
_PAGES = (
    "index.html",
    "public/index.html",
    "src/index.html",
    "docs/index.html",
    "app/index.html",
    "www/index.html",
    "site/index.html",
)
_TEMPLATES = ("index.ejs", "src/index.ejs", "app/index.ejs", "app/index.pug", "src/index.pug")  # a bundler fills in
_BUILDERS = (
    "gulp",
    "grunt",
    "sass",
    "node-sass",
    "tailwindcss",
    "browser-sync",
    "live-server",
    "lite-server",
    "postcss-cli",
    "http-server",
    "serve",
)
_SERVER_CODE = (".py", ".php", ".rb", ".go", ".java", ".kt", ".cs", ".rs", ".ex")


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if found := generator(folder):
        return found
    page = next((name for name in _PAGES if folder.has(name) and not is_nested(folder, name)), None)
    if package is None or is_tooling(folder):
        if page is None:
            return None
        if _is_source(folder):
            return Claim(0.4, (folder.fact(page, "a page among the sources of a package"),))
        if _is_view(folder):
            return Claim(0.4, (folder.fact(page, "a page among more code of a server"),))
        if server := folder.first("server.js", "server.ts", "server.mjs", "server.py"):
            return Claim(0.45, (folder.fact(page, "a page"), folder.fact(server, "a server beside it")))
        return Claim(0.85 if page == "index.html" else 0.6, (folder.fact(page, "a page"),))
    if (package.main or "").endswith(".html") and page and not package.scripts.get("start"):
        return Claim(0.85, (folder.fact(page, "a page, which package.json names as its main"),))
    tool = bundler(folder) if _is_run(folder) else None
    if tool and page is None:
        page = folder.first(*_TEMPLATES)
    if page and (other := next((name for name in _KINDS_OF_THEIR_OWN if name in package.runtime), None)):
        return Claim(0.45, (package.fact(other), folder.fact(page, "a page")))
    if page and (what := installed(package)):
        return Claim(INSTALLED_CONFIDENCE, (package.fact(what), folder.fact(page, "a page")))
    if is_published(folder):
        return None
    if tool and page and (not package.publishes or is_shown(folder, package)):
        framework = package.first_of(*_LIBRARIES)
        evidence = [folder.fact(page, "the page that is built")]
        return Claim(0.85, (*([package.fact(framework)] if framework else []), *evidence), framework or tool)
    builder = package.first_of(*_BUILDERS)
    if page and builder:
        return Claim(0.75, (package.fact(builder), folder.fact(page, "a page")), builder)
    return Claim(0.45, (folder.fact(page, "a page"),)) if page == "index.html" else None


def _is_run(folder: Folder) -> bool:
    """Whether a script or Nx runs what builds here, which may as well be there for something else."""
    package = folder.package
    named = package is not None and (package.started or any("build" in name for name in package.scripts))
    return bool(named) or (folder.root != "." and folder.has("project.json"))


def _is_source(folder: Folder) -> bool:
    """Whether a page below the top lies beside sources that have to be compiled: a package above builds it."""
    sources = (".ts", ".tsx", ".jsx", ".vue", ".svelte")
    return folder.root != "." and any(name.endswith(sources) for name in folder.names)


def _is_view(folder: Folder) -> bool:
    """Whether a page below the top rather belongs to a server: there is more code for one than there are pages, and the
    directory is not called the other half."""
    suffixes = folder.tree.suffixes
    if FRONT_NAME.fullmatch(folder.root):
        return False
    return folder.root != "." and sum(suffixes[ending] for ending in _SERVER_CODE) > suffixes[".html"]


def describe(folder: Folder) -> Component:
    package = folder.package
    found = generator(folder)
    if found and found.framework:
        return generators.describe(folder, found.framework)
    if package and bundler(folder):
        return node_component(folder, type="static", output_dir=output_directory(folder))
    page = folder.first(*_PAGES)
    output = (page or "").rpartition("/")[0] or "."
    if package and package.depends_on("gulp", "grunt") and "build" in package.scripts and output in ("src", "app"):
        output = "dist"  # by custom; the gulpfile is code
    if package and not is_tooling(folder):
        return node_component(folder, type="static", output_dir=output)
    return Component(type="static", language="html", output_dir=output)


KIND = Kind("static", "frontend", "html", recognise, describe)
