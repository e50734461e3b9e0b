"""Which JavaScript modules of a project may start its server; decided by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects.places import is_noise, is_side
from service.projects.tree import Tree

_NODE_ENTRY = ("server", "app", "index", "main", "www")
_NODE_ENTRY_PLACES = ("", "src/", "server/", "bin/", "src/server/", "api/", "app/")
_DEEPEST = 3  # directories below the project
# Other names under which a server is made or started: `buildApp`, `initServer`, `http-server`, `bootstrap`.
_TELLING = re.compile(
    r"(?:\w[\w-]*)?(?:app|server|express|bootstrap|api|http|start(?:er)?|main|serve|gateway)\.[cm]?[jt]s", re.IGNORECASE
)


def node_entries(tree: Tree, prefix: str) -> list[str]:
    """The files with the names and in the places that servers usually start from."""
    found = [
        f"{prefix}{place}{stem}.{ending}"
        for place in _NODE_ENTRY_PLACES
        for stem in _NODE_ENTRY
        for ending in ("js", "ts", "mjs", "cjs")
    ]
    return [path for path in [*found, f"{prefix}bin/www"] if tree.has(path)]


def node_rest(tree: Tree, folder: str) -> Iterator[str]:
    """Modules further down that bear the name of a server, those nearest to the top first; what lies in a package of
    its own is that one's."""
    skipped = 0 if folder == "." else len(folder) + 1
    found = [path for path in tree.below(folder) if _is_telling(path[skipped:])]
    own = (path for path in found if not _is_nested(tree, folder, path))
    yield from sorted(own, key=lambda path: (path.count("/"), path))


def _is_telling(path: str) -> bool:
    directory, _, name = path.rpartition("/")
    if not directory or path.count("/") > _DEEPEST or not _TELLING.fullmatch(name):
        return False
    return not is_noise(directory) and not is_side(directory)


def _is_nested(tree: Tree, folder: str, path: str) -> bool:
    directory = path.rpartition("/")[0]
    while directory and directory != folder:
        if "package.json" in tree.names(directory):
            return True
        directory = directory.rpartition("/")[0]
    return False
