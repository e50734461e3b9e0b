"""One directory of a repository with what its manifests say, read once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from service.projects import javascript
from service.projects.commands import procfile
from service.projects.containers import Dockerfile, Service, compose_services, dockerfile_at, is_dockerfile
from service.projects.model import Evidence
from service.projects.node_manager import NodeManager, node_manager, parents
from service.projects.nx import nx_package
from service.projects.package import Package, package_in
from service.projects.python_manifest import PythonManifest, python_manifest
from service.projects.tree import Tree, resolve

SCRIPT_ENDINGS = ("js", "mjs", "cjs", "ts", "mts", "cts")
# What a tool runs: its configuration, its tasks.
_TASKS = re.compile(r"\.config\.|(?:^|/)(?:gulpfile|gruntfile|karma|webpack|build)[.\w-]*$", re.IGNORECASE)


class Folder:
    """A directory of the tree, `root` relative to the top (`.` is the top itself)."""

    def __init__(self, tree: Tree, root: str) -> None:
        self.tree = tree
        self.root = root
        self._prefix = "" if root == "." else f"{root}/"

    @property
    def names(self) -> tuple[str, ...]:
        """The files directly in the folder, sorted."""
        return self.tree.names(self.root)

    def path(self, name: str) -> str:
        """`name` in this folder as a path of the tree; one that leads outside is a path that no file has."""
        return self._prefix + name

    def has(self, *names: str) -> bool:
        """Whether any of `names` (they may lie deeper) is a file here."""
        return self.first(*names) is not None

    def has_folder(self, name: str) -> bool:
        return self.tree.has_folder(self.path(name))

    def first(self, *names: str) -> str | None:
        """The first of `names` that is a file here."""
        prefix = self._prefix
        for name in names:
            if self.tree.has(prefix + name):
                return name
        return None

    def config(self, stem: str) -> str | None:
        """The name of a tool's config file, whichever ending it has: `vite.config` finds `vite.config.ts`."""
        return self.first(*(f"{stem}.{ending}" for ending in SCRIPT_ENDINGS))

    def config_text(self, stem: str) -> str:
        """The source of a tool's config file, empty if there is none or it was not read."""
        name = self.config(stem)
        return (self.text(name) or "") if name else ""

    def text(self, name: str) -> str | None:
        return self.tree.text(self.path(name))

    def fact(self, name: str, fact: str) -> Evidence:
        return Evidence(self.path(name), fact)

    @cached_property
    def below(self) -> tuple[str, ...]:
        """Every path at or under this folder, relative to it."""
        if self.root == ".":
            return self.tree.paths
        prefix = len(self.root) + 1
        return tuple(path[prefix:] for path in self.tree.below(self.root))

    @cached_property
    def package(self) -> Package | None:
        own = package_in(self.tree, self.root)
        needs = [*own.runtime.values(), *own.development.values()] if own else []
        if any(not version.startswith("workspace:") for version in needs):
            return own
        return nx_package(self.tree, self.root) or own

    @cached_property
    def python(self) -> PythonManifest:
        return python_manifest(self.tree, self.root)

    @cached_property
    def node_manager(self) -> NodeManager:
        return node_manager(self.tree, self.root, self.package)

    @cached_property
    def dockerfile(self) -> Dockerfile | None:
        """The folder's Dockerfile that deploys, the plainly named one first."""
        names = sorted(filter(is_dockerfile, self.names), key=lambda name: (name != "Dockerfile", name))
        return dockerfile_at(self.tree, self.path(names[0])) if names else None

    @cached_property
    def compose(self) -> tuple[Service, ...]:
        """The services of the nearest compose file, this folder's or one above it."""
        for above in parents(self.root):
            services = compose_services(self.tree, above)
            if services:
                return services
        return ()

    @cached_property
    def own_services(self) -> tuple[Service, ...]:
        """The compose services that are built from this folder."""
        return tuple(
            service
            for service in self.compose
            if service.context == self.root or (service.dockerfile or "").rpartition("/")[0] == self.root != "."
        )

    @cached_property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """Commands that somebody wrote down to start this folder's server, as (path, command), best first."""
        found = []
        for above in dict.fromkeys((self.root, ".")):
            source = self.tree.text(resolve(above, "Procfile") or "")
            web = procfile(source).get("web") if source else None
            if web:
                found.append((resolve(above, "Procfile") or "", web))
        found += [("compose file", service.command) for service in self.own_services if service.command]
        if self.dockerfile and self.dockerfile.command:
            name = next(
                name
                for name in sorted(self.names, key=lambda name: (name != "Dockerfile", name))
                if is_dockerfile(name)
            )
            found.append((self.path(name), self.dockerfile.command))
        return tuple(found)

    @cached_property
    def server_entry(self) -> tuple[str, frozenset[str]] | None:
        """The script that starts a JavaScript server, relative to the folder, with what it imports."""
        for name in self.entry_names:
            source = self.text(name)
            if source:
                return name, javascript.imports(source)
        return None

    @cached_property
    def entry_names(self) -> tuple[str, ...]:
        """Existing files that may start a JavaScript server, likeliest first."""
        package = self.package
        named: list[str] = []
        if package:
            for script in ("start", "start:prod", "serve", "dev", "start:dev", "server"):
                named += re.findall(
                    r"(?<![\w/.-])(?:\./)?([\w./-]+\.(?:[cm]?[jt]s))\b", package.scripts.get(script, "")
                )
                named += re.findall(r"\bnode(?:mon)?\s+(?:\./)?([\w./-]+)", package.scripts.get(script, ""))
            if package.main:
                named.append(package.main)
        found = [path for name in named if not _TASKS.search(name) and (path := self._script(name))]
        return tuple(dict.fromkeys([*found, *self._likely_entries()]))

    def _likely_entries(self) -> Iterator[str]:
        """Existing files with the names and in the places that servers usually start from."""
        for place in ("", "src/", "server/", "api/", "bin/", "src/server/", "app/"):
            names = self.tree.names(self.path(place).rstrip("/") or ".")
            for stem in ("server", "app", "index", "main", "www"):
                yield from (f"{place}{stem}.{ending}" for ending in SCRIPT_ENDINGS if f"{stem}.{ending}" in names)
        if self.has("bin/www"):
            yield "bin/www"

    def _script(self, name: str) -> str | None:
        """`name` as an existing file: with an ending added, an `index` inside, or the source of a compiled one."""
        plain = name.removeprefix("./").rstrip("/")
        compiled = re.sub(r"^(?:dist|build|lib|out)/(?:src/)?", "", plain).removesuffix(".js")
        candidates = [plain, f"{plain}.js", f"{plain}.ts", f"{plain}/index.js", f"{plain}/index.ts"]
        if plain != compiled:
            candidates += [f"src/{compiled}.ts", f"{compiled}.ts", f"src/{compiled}.js"]
        return next((candidate for candidate in candidates if self.has(candidate)), None)
