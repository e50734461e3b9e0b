"""Static sites: plain pages, pages from a generator, pages from a bundler without a framework of their own here."""

from __future__ import annotations

import msgspec

from service.projects import javascript
from service.projects.bundler import (
    INSTALLED_CONFIDENCE,
    bundler,
    installed,
    is_nested,
    is_published,
    is_shown,
    is_workspace,
)
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.kinds.node import is_tooling
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.outputs import output_directory
from service.projects.parts import FRONT_NAME
from service.projects.python_project import python_component
from service.projects.reading import string

# Package of a generator with the directory it writes to and its own build command.
_GENERATORS = {
    "@docusaurus/core": ("build", "docusaurus build"),
    "vitepress": (".vitepress/dist", "vitepress build"),
    "vuepress": (".vuepress/dist", "vuepress build"),
    "@11ty/eleventy": ("_site", "eleventy"),
    "hexo": ("public", "hexo generate"),
    "gridsome": ("dist", "gridsome build"),
}
_HUGO = tuple(
    f"{place}.{ending}"
    for place in ("hugo", "config/_default/hugo", "config/_default/config")
    for ending in ("toml", "yaml", "yml", "json")
)
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
    generator = _generator(folder)
    if generator:
        return generator
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
    tool = bundler(folder)
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


def _generator(folder: Folder) -> Claim | None:
    package = folder.package
    name = package.first_of(*_GENERATORS) if package else None
    if package and name and not package.publishes:
        framework = name.rpartition("/")[2] if name != "@docusaurus/core" else "docusaurus"
        sure = INSTALLED_CONFIDENCE if installed(package) else 0.9  # there the pages only describe what is installed
        return Claim(sure, (package.fact(name),), framework, library=is_workspace(folder))
    if config := folder.first(*_HUGO):
        return Claim(0.9, (folder.fact(config, "configuration of Hugo"),), "hugo")
    for config in ("config.toml", "config.yaml", "config.yml"):
        content = (
            folder.tree.toml(folder.path(config)) if config.endswith("toml") else folder.tree.yaml(folder.path(config))
        )
        if string(content.get("baseURL")) or string(content.get("baseurl")):
            return Claim(0.85, (folder.fact(config, "baseURL of Hugo"),), "hugo")
        if string(content.get("base_url")) and folder.has_folder("content"):
            return Claim(0.85, (folder.fact(config, "base_url of Zola"),), "zola")
    if folder.has("_config.yml") and (
        folder.has_folder("_posts") or folder.has_folder("_layouts") or folder.has("Gemfile")
    ):
        return Claim(0.85, (folder.fact("_config.yml", "configuration of Jekyll"),), "jekyll")
    if folder.has("mkdocs.yml", "mkdocs.yaml"):
        return Claim(
            0.6,
            (folder.fact(folder.first("mkdocs.yml", "mkdocs.yaml") or "", "configuration of MkDocs"),),
            "mkdocs",
            library=True,  # documentation of what else lies here
        )
    return None


def describe(folder: Folder) -> Component:
    package = folder.package
    generator = _generator(folder)
    name = package.first_of(*_GENERATORS) if package else None
    if name:
        output, build = _GENERATORS[name]
        docs = "docs/" if name in ("vitepress", "vuepress") and folder.has_folder("docs") else ""
        return node_component(folder, type="static", output_dir=docs + output, default_build=build)
    if generator and generator.framework:
        return _other_generator(folder, generator.framework)
    if package and bundler(folder):
        return node_component(folder, type="static", output_dir=output_directory(folder))
    page = folder.first(*_PAGES)
    output = (page or "").rpartition("/")[0] or "."
    if package and package.depends_on("gulp", "grunt") and "build" in package.scripts and output in ("src", "app"):
        output = "dist"  # by custom; the gulpfile is code
    if package and not is_tooling(folder):
        return node_component(folder, type="static", output_dir=output)
    return Component(type="static", language="html", output_dir=output)


def _other_generator(folder: Folder, name: str) -> Component:
    if name == "mkdocs":
        component = python_component(folder, type="static")
        return msgspec.structs.replace(component, build_command="mkdocs build --strict", output_dir="site")
    if name == "jekyll":
        bundled = folder.has("Gemfile")
        return Component(
            type="static", language="ruby", package_manager="bundler" if bundled else None, output_dir="_site",
            install_command="bundle install" if bundled else None,
            build_command="bundle exec jekyll build" if bundled else "jekyll build",
        )  # fmt: skip
    build = {"hugo": "hugo --minify", "zola": "zola build"}[name]
    output = javascript.setting(folder.text("hugo.toml") or folder.text("config.toml") or "", "publishDir")
    if folder.package and "build" in folder.package.scripts:
        return node_component(folder, type="static", output_dir=output or "public", default_build=build)
    return Component(type="static", language="html", build_command=build, output_dir=output or "public")


KIND = Kind("static", "frontend", "html", recognise, describe)
