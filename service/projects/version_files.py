"""Where a repository states the version of its runtime, most specific place first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.projects import versions
from service.projects.containers import dockerfile_at, is_dockerfile
from service.projects.node_manager import parents
from service.projects.package import package_in
from service.projects.python_manifest import python_manifest
from service.projects.reading import string, table
from service.projects.tree import Tree, resolve

Stated = tuple[str, str]  # what is written, and the file that says so


def first_version(
    tree: Tree, stated: Iterator[Stated], normalise: Callable[[str], str | None]
) -> tuple[str | None, str | None]:
    """The first statement that makes sense, normalised, with its file; a later one that contradicts it is warned of."""
    version = source = None
    for written, path in stated:
        found = normalise(written)
        if found and version is None:
            version, source = found, path
        elif found and version and found != version and not re.search(r"[<>^~*|]", written):
            tree.warn(f"{source} states {version}, {path} states {found}; {source} is used")
    return version, source


def node(tree: Tree, folder: str) -> tuple[str | None, str | None]:
    """The major version of Node.js that `folder` states, with the file."""
    return first_version(tree, _node(tree, folder), versions.node)


def python(tree: Tree, folder: str) -> tuple[str | None, str | None]:
    """The Python version that `folder` states, with the file."""
    return first_version(tree, _python(tree, folder), versions.python)


def other(tree: Tree, folder: str, tool: str, parts: int, files: tuple[str, ...]) -> Iterator[Stated]:
    """Statements for a tool whose version lies in files of its own, in `.tool-versions`, mise's or a base image."""
    yield from _files(tree, folder, files)
    yield from _tool_versions(tree, folder, (tool,))
    yield from images(tree, folder, (tool,))


def _node(tree: Tree, folder: str) -> Iterator[Stated]:
    yield from _files(tree, folder, (".nvmrc", ".node-version"))
    packages = [package for package in (package_in(tree, above) for above in parents(folder)) if package]
    for package in packages:
        if package.volta_node:
            yield package.volta_node, package.path
    yield from _tool_versions(tree, folder, ("nodejs", "node"))
    for package in packages:
        if "node" in package.engines:
            yield package.engines["node"], package.path
    yield from images(tree, folder, ("node",))


def _python(tree: Tree, folder: str) -> Iterator[Stated]:
    yield from _files(tree, folder, (".python-version",))
    for path, text in _texts(tree, folder, "runtime.txt"):
        yield text.strip(), path
    yield from _tool_versions(tree, folder, ("python",))
    for above in parents(folder):
        pipfile = resolve(above, "Pipfile") or ""
        requires = table(tree.toml(pipfile).get("requires"))
        for key in ("python_full_version", "python_version"):
            if string(requires.get(key)):
                yield str(requires[key]), pipfile
        manifest = python_manifest(tree, above) if tree.has(resolve(above, "pyproject.toml") or "") else None
        if manifest:
            path = resolve(above, "pyproject.toml") or ""
            stated = string(table(manifest.pyproject.get("project")).get("requires-python"))
            poetry = table(manifest.tool("poetry").get("dependencies")).get("python")
            for written in (stated, string(poetry)):
                if written:
                    yield written, path
    for path, text in _texts(tree, folder, "environment.yml"):
        match = re.search(r"^\s*-\s*python\s*(=[=\d.*]+)\s*$", text, re.MULTILINE)
        if match:
            yield match[1], path
    yield from images(tree, folder, ("python", "uvicorn-gunicorn-fastapi", "uvicorn-gunicorn"))


def _texts(tree: Tree, folder: str, name: str) -> Iterator[Stated]:
    """The file `name` of the folder, then of those above it, as (path, text)."""
    for above in parents(folder):
        path = resolve(above, name) or name
        text = tree.text(path)
        if text is not None:
            yield path, text


def _files(tree: Tree, folder: str, names: tuple[str, ...]) -> Iterator[Stated]:
    """Files that hold nothing but a version; comment lines and further lines are ignored."""
    for name in names:
        for path, text in _texts(tree, folder, name):
            lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
            if lines:
                yield lines[0], path


def _tool_versions(tree: Tree, folder: str, tools: tuple[str, ...]) -> Iterator[Stated]:
    for path, text in _texts(tree, folder, ".tool-versions"):
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if len(words) > 1 and words[0] in tools:
                yield words[1], path
    for name in ("mise.toml", ".mise.toml"):
        for above in parents(folder):
            path = resolve(above, name) or name
            stated = table(tree.toml(path).get("tools"))
            for tool in tools:
                written = stated.get(tool)
                written = written[0] if isinstance(written, list) and written else written
                version = string(table(written).get("version")) or (
                    str(written) if isinstance(written, str | int | float) else None
                )
                if version:
                    yield version, path


def images(tree: Tree, folder: str, names: tuple[str, ...]) -> Iterator[Stated]:
    """The tags of base images called one of `names` in the Dockerfiles of `folder`."""
    for name in filter(is_dockerfile, tree.names(folder)):
        path = resolve(folder, name) or ""
        made = dockerfile_at(tree, path)
        for image in made.images if made else ():
            repository, _, tag = image.partition("@")[0].rpartition(":")
            if repository.rpartition("/")[2] in names and "$" not in tag:
                version = re.match(r"(?:python|node)?-?(\d[\w.]*)", tag)
                if version:
                    yield version[1], path
