"""Generators of sites: which one builds the pages of a folder, by which command, into which directory."""

from __future__ import annotations

import re
from posixpath import join, normpath

import msgspec

from service.projects import javascript
from service.projects.bundler import INSTALLED_CONFIDENCE, installed, is_workspace
from service.projects.folder import Folder
from service.projects.gemfile import gems
from service.projects.kind import Claim
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.python_project import python_component
from service.projects.reading import string

# Package of a generator with the directory it writes to and its own build command.
_PACKAGES = {
    "@docusaurus/core": ("build", "docusaurus build"),
    "vitepress": (".vitepress/dist", "vitepress build"),
    "vuepress": (".vuepress/dist", "vuepress build"),
    "@11ty/eleventy": ("_site", "eleventy"),
    "hexo": ("public", "hexo generate"),
    "gridsome": ("dist", "gridsome build"),
    "preact-cli": ("build", "preact build"),
    "brunch": ("public", "brunch build --production"),
    "polymer-cli": ("build/default", "polymer build"),
    "@stencil/core": ("www", "stencil build"),
    "@sanity/core": ("dist", "sanity build"),
    "@slidev/cli": ("dist", "slidev build"),
    "sanity": ("dist", "sanity build"),
}
_DIRECTORY = re.compile(r"\b(?:vuepress|vitepress) build ([\w./-]+)")
_HUGO = tuple(
    f"{place}.{ending}"
    for place in ("hugo", "config/_default/hugo", "config/_default/config")
    for ending in ("toml", "yaml", "yml", "json")
)
_CONFIGS = ("config.toml", "config.yaml", "config.yml")
_HUGO_SOURCE = re.compile(r"\bhugo\b[^&|;]*?\s(?:-s|--source)[ =]([\w./-]+)")
_HUGO_TARGET = re.compile(r"\bhugo\b[^&|;]*?\s(?:-d|--destination)[ =]([\w./-]+)")


def generator(folder: Folder) -> Claim | None:
    """What generates the pages of a folder, as a claim with its name as the framework; None if nothing does."""
    return _by_package(folder) or _by_config(folder) or _by_script(folder)


def _by_package(folder: Folder) -> Claim | None:
    package = folder.package
    name = package.first_of(*_PACKAGES) if package else None
    if package is None or name is None or package.publishes:
        return None
    sure = INSTALLED_CONFIDENCE if installed(package) else 0.9  # there the pages only describe what is installed
    return Claim(sure, (package.fact(name),), _called(name), library=is_workspace(folder))


def _called(name: str) -> str:
    scope, _, plain = name.rpartition("/")
    return scope.removeprefix("@") if plain in ("core", "cli") else plain


def _by_config(folder: Folder) -> Claim | None:
    if config := folder.first(*_HUGO):
        return Claim(0.9, (folder.fact(config, "configuration of Hugo"),), "hugo")
    for config in _CONFIGS:
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
    if folder.has("config.rb") and "middleman" in gems(folder):
        return Claim(0.9, (folder.fact("config.rb", "configuration of Middleman"),), "middleman")
    if folder.has("pelicanconf.py"):
        return Claim(0.9, (folder.fact("pelicanconf.py", "configuration of Pelican"),), "pelican")
    if mkdocs := folder.first("mkdocs.yml", "mkdocs.yaml"):
        fact = folder.fact(mkdocs, "configuration of MkDocs")
        return Claim(0.6, (fact,), "mkdocs", library=True)  # documentation of what else lies here
    return None


def _by_script(folder: Folder) -> Claim | None:
    """Hugo that a script runs in a directory further down."""
    command = folder.package.command("build") if folder.package else ""
    source = _HUGO_SOURCE.search(command)
    if folder.package and source and folder.has(*(f"{source[1]}/{name}" for name in (*_HUGO, *_CONFIGS))):
        return Claim(0.85, (folder.fact(folder.package.path.rpartition("/")[2], f"build {source[0]}"),), "hugo")
    return None


def describe(folder: Folder, framework: str) -> Component:
    """The commands of a folder whose pages `framework` generates, as `generator` named it."""
    package = folder.package
    name = package.first_of(*_PACKAGES) if package else None
    if package and name:
        output, build = _PACKAGES[name]
        named = _DIRECTORY.search(package.command("build"))
        docs = "docs/" if name in ("vitepress", "vuepress") and folder.has_folder("docs") else ""
        output = normpath(join(named[1], output)) if named else docs + output
        return node_component(folder, type="static", output_dir=output, default_build=build)
    if framework == "mkdocs":
        return _of_python(folder, "mkdocs build --strict", "site")
    if framework == "pelican":
        settings = " -s publishconf.py" if folder.has("publishconf.py") else ""
        return _of_python(folder, f"pelican content{settings}", "output")
    if framework == "jekyll":
        return _of_ruby(folder, "jekyll build", "_site")
    if framework == "middleman":
        return _of_ruby(folder, "middleman build", "build")
    return _of_a_binary(folder, {"hugo": "hugo --minify", "zola": "zola build"}[framework])


def _of_python(folder: Folder, build: str, output: str) -> Component:
    return msgspec.structs.replace(python_component(folder, type="static"), build_command=build, output_dir=output)


def _of_ruby(folder: Folder, build: str, output: str) -> Component:
    bundled = folder.has("Gemfile")
    return Component(
        type="static",
        language="ruby",
        package_manager="bundler" if bundled else None,
        output_dir=output,
        install_command="bundle install" if bundled else None,
        build_command=f"bundle exec {build}" if bundled else build,
    )


def _of_a_binary(folder: Folder, build: str) -> Component:
    output = javascript.setting(folder.text("hugo.toml") or folder.text("config.toml") or "", "publishDir") or "public"
    if folder.package and "build" in folder.package.scripts:
        command = folder.package.command("build")
        source, target = _HUGO_SOURCE.search(command), _HUGO_TARGET.search(command)
        output = normpath(join(source[1] if source else "", target[1] if target else output))
        return node_component(folder, type="static", output_dir=output, default_build=build)
    return Component(type="static", language="html", build_command=build, output_dir=output)
