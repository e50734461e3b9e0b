"""What an answer leaves out: another half of the application, or most of the code, that no kind has claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects import workspaces
from service.projects.bundler import bundler, installed
from service.projects.halves import ANGULARS_OWN, shows_build
from service.projects.hosted import WRANGLER
from service.projects.languages import BACK_END, NATIVE
from service.projects.mixture import is_installed, other_language
from service.projects.node_packages import BROWSER, FRAMEWORKS, HOSTS
from service.projects.package import Package, package_in, packages
from service.projects.parts import ASSET_HOSTS, BACK_NAME, FRONT, FRONT_NAME, Part
from service.projects.places import depth, is_noise, is_side
from service.projects.shares import beside_a_program, lies_elsewhere, own_paths, within
from service.projects.tree import Tree

# Front ends that bring a server of their own, where one among the dependencies says nothing.
_SERVED = frozenset(["nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit"])
_BACK_CODE = (*BACK_END, *NATIVE)
_FEW = 10
_SOURCES = (".vue", ".jsx", ".tsx", ".svelte")
_DEEPEST_SERVER = 3
_RUN_FILE = re.compile(
    r"\b(?:node|nodemon|bun|tsx|ts-node|deno)\s+(?:run\s+|watch\s+|-\S+\s+)*(?:\./)?([\w./-]+\.[cm]?[jt]s)\b"
)
_NAMED_PAGES = re.compile(rf"(?i:(?:.*[-_])?(?:{FRONT_NAME.pattern}|ui))|.*(?:Front[eE]nd|Client|UI)")
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
    return beside_a_program(parts[0]) or other_language(tree, parts) or lies_elsewhere(tree, parts)


def unseen_pages(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A directory that is called a front end beside several servers, none of which it is: then they have one."""
    return None if any(part.is_front for part in parts) else _named_pages(tree, parts)


def _server_among(tree: Tree, type: str, parts: tuple[Part, ...]) -> str | None:
    """A server among the dependencies of a package that is no part, or of a part that has files for it."""
    own = {part.root for part in parts}
    for folder, package in _packages(tree):
        if folder not in own and within(folder, parts) and package.depends_on(*FRAMEWORKS):
            continue  # pages among the sources of pages
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
            if tree.has(name) and not is_side(place) and not within(place, parts):
                return f"{package.path} starts {name}, which may be a server"
    return None


def _named_server(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A directory that is called a server, with code for one, which is no part. What a page imports may lie in one
    called `api` as well, so inside of a part only code in another language tells."""
    for folder in sorted(tree.folders):
        if folder == "." or depth(folder) > _DEEPEST_SERVER or is_noise(folder) or is_side(folder):
            continue
        if not any(folder == part.root for part in parts) and not WRANGLER.isdisjoint(tree.names(folder)):
            return f"what lies in {folder} is run by Cloudflare"
        if not BACK_NAME.search(folder):
            continue
        endings = (".py", ".go", ".php", ".rb") if within(folder, parts) else _BACK_CODE
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
        if package and name and sum(path.endswith(_SOURCES) for path in own_paths(part)) >= _FEW:
            return f"{package.path} builds pages with {name}"
    return None


def _named_pages(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A directory that is called a front end, with pages, which is no part."""
    for folder in sorted(tree.folders):
        if not _NAMED_PAGES.fullmatch(folder.rpartition("/")[2]) or is_noise(folder) or is_side(folder):
            continue
        page = next((path for path in tree.below(folder) if path.endswith(".html")), None)
        if page and not within(folder, parts):
            return f"{page} lies where pages do"
    return None


def _pages_beside(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """A package beside a server that is built with a framework for pages, but was not recognised as a front end."""
    for folder, package in _packages(tree):
        name = next((name for name in BROWSER if name in package.runtime and name not in package.peers), None)
        above = any(folder == "." or part.root.startswith(f"{folder}/") for part in parts)
        if name and "build" in package.scripts and not above and not within(folder, parts) and not installed(package):
            return f"{package.path} builds pages with {name}"
    return None


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
