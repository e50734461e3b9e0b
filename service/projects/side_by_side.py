"""Directories side by side: the halves and services of one application, or samples that nothing ties together."""

from __future__ import annotations

import re

from service.projects import workspaces
from service.projects.containers import is_compose
from service.projects.node_manager import parents
from service.projects.parts import BACK_NAME, FRONT_NAME, Part
from service.projects.tree import Tree

# More applications than this that nothing binds together are a collection, not a full stack.
MAX_HALVES = 8
_MANY = 5  # from here on names or a compose file have to say that they are one
APP_PLACE = re.compile(r"(?:^|/)(?:apps?|web|frontend|client|ui|www|site|admin|portal|dashboard)(?:/|$)", re.IGNORECASE)
_HALF = re.compile(
    r"front|client|web|\bui\b|site|admin|portal|dashboard|back|server|api|gateway|service|worker", re.IGNORECASE
)
_BACK = re.compile(r"back[-_]?end|server", re.IGNORECASE)
_HOLDS_ALL = re.compile(r"(?:apps?|packages|services|src|modules|projects|source)$", re.IGNORECASE)


def is_collection(tree: Tree, parts: list[Part], apps: list[Part]) -> bool:
    """Whether the directories are samples side by side: many, nothing binds them, few are an application at all. One
    that lies where applications lie (`frontend/`) makes the others what lies beside it."""
    if len(parts) < MAX_HALVES or len(apps) * 3 > len(parts) or workspaces.orchestrator(tree):
        return False
    named = any(APP_PLACE.match(part.root) or BACK_NAME.search(part.root) for part in apps)
    return not named and not any(_is_composed(tree, part) for part in apps)


def is_unrelated(tree: Tree, apps: list[Part]) -> bool:
    """Whether many applications lie side by side, none at the top, none named as a half, none composed with others; or
    whole ones, each with both halves, beside others."""
    if any(part.root == "." or _is_composed(tree, part) for part in apps):
        return False
    named = any(_HALF.search(part.root.rpartition("/")[2]) or BACK_NAME.search(part.root) for part in apps)
    return (len(apps) >= _MANY and not named) or _are_whole(apps)


def _are_whole(apps: list[Part]) -> bool:
    """Whether directories at the top hold a front end and a back end each: two of them, or one beside others that are
    not named as its halves. Where everything lies in one (`apps/`), that says nothing."""
    fronts = {_top(part) for part in apps if part.is_front}
    whole = {top for top in fronts & {_top(part) for part in apps if not part.is_front} if not _HOLDS_ALL.match(top)}
    others = {top for top in map(_top, apps) if top not in whole and not _HALF.search(top)}
    return len(whole) > 1 or (len(whole) == 1 and len(others) > 1)


def _top(part: Part) -> str:
    return part.root.partition("/")[0]


def is_one(fronts: list[Part], backs: list[Part]) -> bool:
    """Whether many services are the back end of one front end: they lie in one place, or a compose file builds them; or
    lie beside the two halves of one application, as the names of these say."""
    if any(FRONT_NAME.fullmatch(part.root) for part in fronts) and any(_BACK.fullmatch(part.root) for part in backs):
        return True
    places = {part.root.partition("/")[0] for part in backs}
    built = [part for part in backs if part.folder.own_services]
    return len(fronts) == 1 and (len(places) <= 2 or 2 * len(built) > len(backs))


def is_of_a_sample(tree: Tree, front: Part) -> bool:
    """Whether a page lies beside one of many crates, as the page of that sample, and not where applications lie."""
    place = front.root.rpartition("/")[0]
    if not place or APP_PLACE.search(place):
        return False
    crates = [folder for folder in workspaces.members(tree, tree.folders) if tree.has(f"{folder}/Cargo.toml")]
    return len(crates) > MAX_HALVES and any(folder.startswith(f"{place}/") for folder in crates)


def _is_composed(tree: Tree, part: Part) -> bool:
    """Whether a compose file at the top builds the directory; one further down is of that sample."""
    own = (tree.names(folder) for folder in parents(part.root)[:-1])
    return bool(part.folder.own_services) and not any(is_compose(name) for names in own for name in names)
