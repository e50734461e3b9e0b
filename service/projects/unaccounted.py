"""What an answer leaves out: another half of the application, or most of the code, that no kind has claimed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from service.projects import workspaces
from service.projects.bundler import bundler, installed
from service.projects.halves import ANGULARS_OWN, shows_build
from service.projects.languages import BACK_END, CODE, NATIVE, ending
from service.projects.mixture import is_installed, other_language, own_folders
from service.projects.node_manager import parents
from service.projects.node_packages import BROWSER, HOSTS
from service.projects.package import Package, package_in, packages
from service.projects.parts import ASSET_HOSTS, BACK_NAME, FRONT, FRONT_NAME, Part
from service.projects.places import depth, is_noise, is_side
from service.projects.tree import Tree

# Front ends that bring a server of their own, where one among the dependencies says nothing.
_SERVED = frozenset(["nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit"])
_BACK_CODE = (*BACK_END, *NATIVE)
_FEW = 10
_SOURCES = (".vue", ".jsx", ".tsx", ".svelte")
_DEEPEST_SERVER = 3
_MANY, _SHARE = 50, 25  # from how many files on a half is expected to be more than the 25th part
_PLACE = re.compile(
    r"(?:^|[/_-])(?:apps?|services?|front\w*|client\w*|web|ui|site|admin|dashboard)(?:[/_-]|$)", re.IGNORECASE
)
_RUN_FILE = re.compile(
    r"\b(?:node|nodemon|bun|tsx|ts-node|deno)\s+(?:run\s+|watch\s+|-\S+\s+)*(?:\./)?([\w./-]+\.[cm]?[jt]s)\b"
)
_SERVER_FILE = re.compile(r"(?:^|/)(?:server|back-?end)(?:/.+)?\.[cm]?[jt]s$")


def left_out(tree: Tree, type: str, parts: tuple[Part, ...]) -> str | None:
    """What lies in the repository beside an answer of one part, or of several front ends, as a sentence's end."""
    if type in FRONT:
        against = _server_among(tree, type, parts) or _packaged(tree, parts) or _starts_above(tree, parts)
        against = against or _named_server(tree, parts)
    else:
        against = _pages_of_a_server(parts) or _named_pages(tree, parts) or _pages_beside(tree, parts)
    if against or is_installed(tree):
        return against
    return other_language(tree, parts) or lies_elsewhere(tree, parts)


def small_half(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A half of a full stack that is hardly any of the code and is not named as one: a tool, a tryout."""
    folders = own_folders(tree)
    everything = code_in(tree, folders)
    for half in ([part for part in parts if part.is_front], [part for part in parts if not part.is_front]):
        if any(part.root == "." or BACK_NAME.search(part.root) or _PLACE.search(part.root) for part in half):
            continue
        code = code_in(tree, (folder for folder in folders if _within(folder, tuple(half))))
        if everything >= _MANY and code * _SHARE < everything:
            return f"{code} of {everything} files of code lie in {half[0].root}, which may not be served with the rest"
    return None


def code_in(tree: Tree, folders: Iterable[str]) -> int:
    """How many files of code lie directly in `folders`; one that is alone in its directory counts as a script."""
    counted = (sum(ending(name) in CODE for name in tree.names(folder)) for folder in folders)
    return sum(number for number in counted if number > 1)


def _server_among(tree: Tree, type: str, parts: tuple[Part, ...]) -> str | None:
    """A server among the dependencies of a package that is no part, or of a part that has files for it."""
    own = {part.root for part in parts}
    for folder, package in _packages(tree):
        host = next((name for name in HOSTS if name in package.runtime), None)
        served = type in _SERVED or (type == "angular" and package.depends_on(*ANGULARS_OWN))
        if host and (_names_a_server(tree, folder) and not served if folder in own else True):
            return f"{package.path} depends on {host}, so that a server may lie here as well"
    return None


def _packaged(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A package for Python beside pages at the top."""
    packaged = next((name for name in ("setup.py", "setup.cfg") if tree.has(name)), None)
    if packaged and any(part.root == "." for part in parts) and tree.suffixes[".py"] >= _FEW:
        return f"{packaged} describes a package for Python here as well"
    return None


def _starts_above(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A program at the top that a script starts, where the pages lie further down."""
    package = package_in(tree, ".")
    if package is None or any(part.root == "." for part in parts) or workspaces.orchestrator(tree):
        return None
    for command in package.started:
        for name in _RUN_FILE.findall(command):
            place = name.rpartition("/")[0] or "."
            if tree.has(name) and not is_side(place) and not _within(place, parts):
                return f"{package.path} starts {name}, which may be a server"
    return None


def _named_server(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A directory that is called a server, with code for one, which is no part. What a page imports may lie in one
    called `api` as well, so inside of a part only code in another language tells."""
    for folder in sorted(tree.folders):
        if depth(folder) > _DEEPEST_SERVER or not BACK_NAME.search(folder) or is_noise(folder) or is_side(folder):
            continue
        endings = (".py", ".go", ".php", ".rb") if _within(folder, parts) else _BACK_CODE
        found = next((path for path in tree.below(folder) if path.endswith(endings)), None)
        if found and not any(folder == part.root for part in parts):
            return f"{found} lies where a server does"
    return None


def _pages_of_a_server(parts: tuple[Part, ...]) -> str | None:
    """The package of a server that builds many sources of pages, too."""
    for part in parts:
        package = part.folder.package
        bundles = package is not None and "build" in package.scripts and bundler(part.folder) is not None
        name = package.first_of(*BROWSER) if package and bundles and part.kind.type not in ASSET_HOSTS else None
        if package and name and sum(path.endswith(_SOURCES) for path in _own_paths(part)) >= _FEW:
            return f"{package.path} builds pages with {name}"
    return None


def _named_pages(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A directory that is called a front end, with pages, which is no part."""
    for folder in sorted(tree.folders):
        if not FRONT_NAME.fullmatch(folder.rpartition("/")[2]) or is_noise(folder) or is_side(folder):
            continue
        page = next((path for path in tree.below(folder) if path.endswith(".html")), None)
        if page and not _within(folder, parts):
            return f"{page} lies where pages do"
    return None


def _pages_beside(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A package beside a server that is built with a framework for pages, but was not recognised as a front end."""
    for folder, package in _packages(tree):
        name = next((name for name in BROWSER if name in package.runtime and name not in package.peers), None)
        above = any(folder == "." or part.root.startswith(f"{folder}/") for part in parts)
        if name and "build" in package.scripts and not above and not _within(folder, parts) and not installed(package):
            return f"{package.path} builds pages with {name}"
    return None


def _own_paths(part: Part) -> Iterator[str]:
    return (path for path in part.folder.below if not is_noise(path) and not is_side(path.rpartition("/")[0] or "."))


def lies_elsewhere(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """The answer's directory, if a good part of the code lies outside of it and of the packages of its workspace; of a
    full stack's, most of it."""
    if any(part.root == "." for part in parts):
        return None
    folders = own_folders(tree)
    bound = frozenset(workspaces.members(tree, tree.folders))
    own = [folder for folder in folders if _within(folder, parts) or not bound.isdisjoint(parents(folder))]
    everything, inside = code_in(tree, folders), code_in(tree, own)
    enough = 0.4 if any(part.is_front for part in parts) and any(part.serves for part in parts) else 0.75
    if not own or everything - inside < _FEW or inside >= everything * enough:
        return None
    return f"{everything - inside} of {everything} files of code lie outside of {parts[0].root}"


def _within(place: str, parts: tuple[Part, ...]) -> bool:
    return any(part.root == "." or place == part.root or place.startswith(f"{part.root}/") for part in parts)


def _packages(tree: Tree) -> Iterator[tuple[str, Package]]:
    """The packages that were read, but for what lies beside the project and the top of a workspace, whose dependencies
    are those of the packages below."""
    bound = workspaces.orchestrator(tree) is not None
    for folder, package in packages(tree):
        if not is_side(folder) and not (bound and folder == "."):
            yield folder, package


def _names_a_server(tree: Tree, folder: str) -> bool:
    """Whether a file or directory in `folder` is called a server: a package alone may serve development only."""
    return any(
        _SERVER_FILE.search(path) and not is_noise(path.rpartition("/")[0]) and not shows_build(tree.text(path) or "")
        for path in tree.below(folder)
    )
