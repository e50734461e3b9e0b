"""An application of an Nx workspace without dependencies of its own: those of the top that it names itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from service.projects import javascript
from service.projects.package import Package, package_in
from service.projects.reading import string, table
from service.projects.tree import Tree, is_plain, resolve

# What a plugin of a build tool stands for; `@nx/react` is how Nx configures webpack for React.
_PLUGINS = {
    "@vitejs/plugin-react": "react", "@vitejs/plugin-react-swc": "react", "@nx/react": "react", "@nrwl/react": "react",
    "@vitejs/plugin-vue": "vue", "@nx/vue": "vue", "@sveltejs/vite-plugin-svelte": "svelte", "@nx/next": "next",
    "@rsbuild/plugin-react": "react", "@rsbuild/plugin-vue": "vue",
}  # fmt: skip
_TOOLS = ("vite", "webpack", "rspack", "rsbuild", "esbuild", "next", "remix")
_CONFIGS = re.compile(r"(?:vite|webpack|rspack|rsbuild|next)\.config\.[cm]?[jt]s")
_ENTRIES = ("src/main.ts", "src/main.tsx", "src/main.js", "src/server.ts", "src/index.ts", "main.ts")


def nx_package(tree: Tree, folder: str) -> Package | None:
    """The package of an application that is described by a `project.json`; None for a library, or without Nx."""
    project = _project(tree, folder)
    top = package_in(tree, ".")
    if folder == "." or top is None or not tree.has("nx.json") or project.get("projectType") != "application":
        return None
    brought = {"webpack": ""} if re.match(r"@(?:nrwl|nx)/web:", _executor(project)) else {}  # it has one of its own
    named = set(_named(tree, folder, _executor(project)))
    return Package(
        path=top.path,
        name=string(project.get("name")) or folder.rpartition("/")[2],
        runtime={name: version for name, version in top.runtime.items() if name in named},
        development={name: version for name, version in top.development.items() if name in named} | brought,
        peers={},
        scripts={},
        engines={},
        main=None,
        manager=None,
        volta_node=None,
        workspaces=(),
        private=True,
        publishes=False,
    )


def nx_output(tree: Tree, folder: str) -> str | None:
    """Where Nx puts what it builds of an application, relative to its folder; None where project.json does not say."""
    project = _project(tree, folder)
    written = string(table(_build(project).get("options")).get("outputPath"))
    return seen_from(folder, written) if written and tree.has("nx.json") and "{" not in written else None


def seen_from(folder: str, path: str) -> str:
    """A path that counts from the top, as one that counts from `folder`."""
    return path.removeprefix("./") if folder == "." else "../" * (folder.count("/") + 1) + path.removeprefix("./")


def _build(project: Mapping[str, object]) -> Mapping[str, object]:
    return table((table(project.get("targets")) or table(project.get("architect"))).get("build"))


def _executor(project: Mapping[str, object]) -> str:
    return string(_build(project).get("executor")) or string(_build(project).get("builder")) or ""


def listed(tree: Tree) -> tuple[str, ...]:
    """The directories of the applications that older versions of Nx list in one file at the top, those of Angular's own
    builders apart: for them that file is enough."""
    found = (
        root for root, project in _listed(tree).items()
        if project.get("projectType") == "application" and _build(project) and "angular" not in _executor(project)
    )  # fmt: skip
    return tuple(sorted(root for root in found if is_plain(root) and tree.has_folder(root)))


def _project(tree: Tree, folder: str) -> Mapping[str, object]:
    """What `project.json` says of an application, or in its place the file at the top."""
    own = tree.json_with_comments(resolve(folder, "project.json") or "")
    return own or _listed(tree).get(folder, {})


def _listed(tree: Tree) -> Mapping[str, Mapping[str, object]]:
    return tree.remember("projects of Nx", ".", lambda: _read_listed(tree))


def _read_listed(tree: Tree) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    for name in ("angular.json", "workspace.json") if tree.has("nx.json") else ():
        for title, project in table(tree.json_with_comments(name).get("projects")).items():
            root = (string(table(project).get("root")) or "").rstrip("/")
            if root:
                found[root] = {"name": title, **table(project)}
    return found


def _named(tree: Tree, folder: str, executor: str) -> Iterator[str]:
    """The packages that the executor, the configuration of the build and the entry file speak of."""
    yield from (tool for tool in _TOOLS if tool in executor)
    configs = [name for name in tree.names(folder) if _CONFIGS.fullmatch(name)]
    yield from (name.partition(".")[0] for name in configs)
    for name in (*configs, *_ENTRIES):
        for module in javascript.imports(tree.text(resolve(folder, name) or "") or ""):
            package = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
            yield package
            if package in _PLUGINS:
                yield _PLUGINS[package]
