"""How much of the code an answer is about: a half that is hardly any of it, code that lies outside of every part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from service.projects import workspaces
from service.projects.languages import CODE, KNOWN
from service.projects.mixture import own_folders
from service.projects.node_manager import parents
from service.projects.package import package_in
from service.projects.parts import BACK_NAME, Part
from service.projects.places import is_noise, is_side
from service.projects.python_application import web_application
from service.projects.tree import Tree

_FEW = 10
_MANY = 50  # from how many files on a half is expected to be more than the eighth part, of pages the 25th
_SHARE, _SHARE_OF_PAGES = 8, 25
_LARGE, _A_FEW = 200, 4  # from how many files on a server is expected to be more than a script or two
_MODULES, _SMALL = 100, 20  # from how many modules on a web application is expected to be more than the 20th part
_PLACE = re.compile(
    r"(?:^|[/_-])(?:apps?|services?|front\w*|client\w*|web|ui|site|admin|dashboard)(?:[/_-]|$)", re.IGNORECASE
)


def small_half(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A half of a full stack that is hardly any of the code: a tool, a tryout. One that is named as a half may be
    small, but beside many pages it holds more than a script or two."""
    folders = own_folders(tree)
    everything = code_in(tree, folders)
    fronts, backs = [part for part in parts if part.is_front], [part for part in parts if not part.is_front]
    for half, share in ((fronts, _SHARE_OF_PAGES), (backs, _SHARE)):
        if any(part.root == "." or BACK_NAME.search(part.root) or _PLACE.search(part.root) for part in half):
            if half is backs and everything >= _LARGE and all(map(_is_a_script, backs)):
                return f"next to {everything} files of code {half[0].root} holds hardly more than a script"
            continue
        code = code_in(tree, inside(folders, half))
        if everything >= _MANY and code * share < everything:
            return f"{code} of {everything} files of code lie in {half[0].root}, which may not be served with the rest"
    return None


def _is_a_script(part: Part) -> bool:
    """Whether a server in JavaScript is a file or two: what passes requests on while somebody works on the pages."""
    if part.root == "." or part.kind.language != "javascript":
        return False
    return sum(path.endswith(KNOWN["javascript"]) for path in own_paths(part)) < _A_FEW


def beside_a_program(part: Part) -> str | None:
    """A directory with a web application in Python that is hardly any of a large program: what shows or starts it."""
    served = web_application(part.folder) if part.kind.type in ("flask", "fastapi") else None
    place = served.path.rpartition("/")[0] if served else ""
    modules = [path for path in own_paths(part) if path.endswith(".py")] if place else []
    own = sum(path.startswith(f"{place}/") for path in modules)
    if len(modules) < _MODULES or own * _SMALL >= len(modules):
        return None
    return f"{own} of {len(modules)} modules lie in {place}, which may only show what the others do"


def lies_elsewhere(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """The answer's directory, if a good part of the code lies outside of it and of the packages of its workspace, or
    most of it outside of those that it needs; of a full stack's, most of it."""
    if any(part.root == "." for part in parts):
        return None
    folders = own_folders(tree)
    everything = code_in(tree, folders)
    whole = any(part.is_front for part in parts) and any(part.serves for part in parts)
    bound = frozenset(workspaces.members(tree, tree.folders))
    held = inside(folders, parts)
    for counted, enough in ((bound, 0.4 if whole else 0.75), (_needed(tree, parts, bound), 0.4)):
        own = [folder for folder in folders if folder in held or (counted and not counted.isdisjoint(parents(folder)))]
        outside = everything - code_in(tree, own)
        if own and outside >= _FEW and outside > everything * (1 - enough):
            return f"{outside} of {everything} files of code lie outside of {parts[0].root}"
    return None


def _needed(tree: Tree, parts: tuple[Part, ...], bound: frozenset[str]) -> frozenset[str]:
    """The members of the workspace that the parts are made of: without the packages that none of them depends on."""
    held = {folder: package for folder in bound if (package := package_in(tree, folder))}
    needed = {part.root for part in parts}
    waiting = [held[root] for root in needed if root in held]
    for package in waiting:
        found = [place for place, other in held.items() if other.name and package.depends_on(other.name)]
        new = [place for place in found if place not in needed]
        needed.update(new)
        waiting += [held[place] for place in new]
    return frozenset(folder for folder in bound if folder not in held or folder in needed)


def code_in(tree: Tree, folders: Iterable[str]) -> int:
    """How many files of code lie directly in `folders`; one that is alone in its directory counts as a script."""
    held = tree.remember("files of code", ".", lambda: _code(tree))
    return sum(map(held.__getitem__, folders))


def _code(tree: Tree) -> dict[str, int]:
    """How many files of code lie directly in each directory, scripts that are alone left out."""
    counted = {folder: sum(map(CODE.__contains__, tree.endings(folder))) for folder in tree.folders}
    return {folder: number if number > 1 else 0 for folder, number in counted.items()}


def within(place: str, parts: tuple[Part, ...]) -> bool:
    """Whether a directory or path lies in one of the parts."""
    return bool(inside((place,), parts))


def inside(places: Iterable[str], parts: Iterable[Part]) -> frozenset[str]:
    """Those of the directories or paths that lie in one of the parts."""
    roots = tuple("" if part.root == "." else f"{part.root}/" for part in parts)
    return frozenset(place for place in places if f"{place}/".startswith(roots))


def own_paths(part: Part) -> Iterator[str]:
    """The part's paths, relative to it, but for what tools made and what lies beside the project."""
    return (path for path in part.folder.below if not is_noise(path) and not is_side(path.rpartition("/")[0] or "."))
