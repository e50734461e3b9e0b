"""package.json: what a JavaScript project says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.projects.model import Evidence
from service.projects.reading import string, strings, table, texts
from service.projects.tree import Tree, resolve

NAMES = ("package.json", "package.json5", "package.yaml")  # the last two are legal for pnpm

_RUN_SCRIPT = re.compile(r"\b(?:npm run|npm|yarn run|yarn|pnpm run|pnpm|bun run) ([\w:.-]+)(?: --)?")


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a package.json that detection reads; odd values are left out, never an error."""

    path: str
    name: str | None
    runtime: Mapping[str, str]
    development: Mapping[str, str]
    peers: Mapping[str, str]
    scripts: Mapping[str, str]
    engines: Mapping[str, str]
    main: str | None
    manager: str | None
    volta_node: str | None
    workspaces: tuple[str, ...]
    private: bool
    publishes: bool

    @property
    def is_offered(self) -> bool:
        """Whether others may install the package: it says what they get, and it is not kept back."""
        return self.publishes and not self.private

    def depends_on(self, *names: str) -> bool:
        """Whether any of `names` is a dependency of any kind but a peer."""
        return not (self.runtime.keys().isdisjoint(names) and self.development.keys().isdisjoint(names))

    def first_of(self, *names: str) -> str | None:
        """The first of `names` that is a dependency, at run time or while developing."""
        return next((name for name in names if self.depends_on(name)), None)

    def fact(self, name: str) -> Evidence:
        """The line that makes `name` a dependency, as evidence."""
        section = "dependencies" if name in self.runtime else "devDependencies"
        version = self.runtime.get(name) or self.development.get(name, "")
        return Evidence(self.path, f"{section}.{name} {version}".strip())

    def command(self, name: str) -> str:
        """What a script runs, with the scripts it calls (`npm run other`) in their place; empty if there is none."""
        command = self.scripts.get(name, "")
        for _ in range(3):
            command = _RUN_SCRIPT.sub(lambda match: self.scripts.get(match[1], match[0]), command)
        return command[:2000]

    @property
    def started(self) -> tuple[str, ...]:
        """The commands that start the package, production's first."""
        names = ("start:prod", "start", "serve", "server", "dev")
        return tuple(command for name in names if (command := self.command(name)))

    def script(self, *names: str) -> tuple[str, str] | None:
        """The first of `names` that is a script, with its command."""
        return next(((name, self.scripts[name]) for name in names if self.scripts.get(name, "").strip()), None)


def package_in(tree: Tree, folder: str) -> Package | None:
    """The package that lives in `folder`, or None where there is none to read."""
    name = next((name for name in NAMES if name in tree.names(folder)), None)
    path = resolve(folder, name) if name else None
    return tree.remember("package", path, lambda: read_package(tree, path)) if path else None


def packages(tree: Tree) -> Iterator[tuple[str, Package]]:
    """Every package.json that was read, with its directory."""
    for path in tree.read:
        folder = path.rpartition("/")[0] or "."
        if path.endswith("package.json") and (package := package_in(tree, folder)) is not None:
            yield folder, package


def read_package(tree: Tree, path: str) -> Package | None:
    """The package.json (or package.json5, package.yaml) at `path`, or None where there is none to read."""
    if path.endswith(".yaml"):
        content = tree.yaml(path)
    elif path.endswith("5"):
        content = tree.json_with_comments(path)
    else:
        content = tree.json(path)
    if not content:
        return None
    workspaces = content.get("workspaces")
    return Package(
        path=path,
        name=string(content.get("name")),
        runtime=texts(content.get("dependencies")),
        development=texts(content.get("devDependencies")),
        peers=texts(content.get("peerDependencies")),
        scripts=texts(content.get("scripts")),
        engines=texts(content.get("engines")),
        main=string(content.get("main")),
        manager=string(content.get("packageManager")),
        volta_node=string(table(content.get("volta")).get("node")),
        workspaces=strings(workspaces) or strings(table(workspaces).get("packages")),
        private=content.get("private") is True,
        publishes=any(key in content for key in ("exports", "module", "types", "bin", "publishConfig")),
    )
