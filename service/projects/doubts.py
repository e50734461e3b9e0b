"""What speaks against an answer: `unknown`, with the answer among the alternatives, costs less than a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from service.projects import workspaces
from service.projects.containers import is_compose
from service.projects.foreign import foreign_project, only_backing
from service.projects.node_packages import HOSTS
from service.projects.package import Package, package_in
from service.projects.parts import FRONT, Part
from service.projects.places import is_noise, is_side
from service.projects.servers_unseen import unseen_application
from service.projects.tree import Tree

# Front ends that bring a server of their own, where one among the dependencies says nothing.
_SERVED = frozenset(["nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit", "angular"])
_FRONT_CODE = (".js", ".jsx", ".ts", ".tsx", ".mjs", ".vue", ".svelte", ".html", ".astro")
_BACK_CODE = (".py", ".go", ".java", ".kt", ".cs", ".php", ".rb", ".rs", ".ex")
_FEW = 10
_LESSON = re.compile(
    r"(?:\d{1,3}[-_. ]?[a-z]|(?:day|week|lesson|chapter|lab|task|exercise|ex|module|assignment|homework|hw|practice|"
    r"lecture|session|unit|class|level|challenge|kata|tutorial)s?[-_ ]?\d)",
    re.IGNORECASE,
)
_RUN_FILE = re.compile(
    r"\b(?:node|nodemon|bun|tsx|ts-node|deno)\s+(?:run\s+|watch\s+|-\S+\s+)*(?:\./)?([\w./-]+\.[cm]?[jt]s)\b"
)
_SERVES_PAGES = re.compile(
    r"nginx|httpd|apache|caddy|lighttpd|traefik|static|serve|http|busybox|node|php|python", re.IGNORECASE
)
_SERVER_FILE = re.compile(r"(?:^|/)(?:server|back-?end)(?:/.+)?\.[cm]?[jt]s$")
# Files beside a manifest.json that only an extension for browsers has; what a program for desktops or phones has.
_EXTENSION = re.compile(
    r"(?:popup|options|side-?panel|devtools)\.(?:html|js|ts|tsx)|(?:background|content(?:[-_]?scripts?)?)\.[jt]sx?"
)
_INSTALLED = (
    *("src-tauri/tauri.conf.json", "src-tauri/Cargo.toml", "wails.json", "neutralino.config.json"),
    *("project.config.json", "pages.json", "src/pages.json", "electron-builder.yml", "electron-builder.json"),
)


def doubt(tree: Tree, type: str, parts: Iterable[Part]) -> str | None:
    """Why `parts` should not be called a `type`, as the end of a sentence; None if nothing speaks against it."""
    held = tuple(parts)
    if not held:
        return None
    if type != "monorepo" and (lesson := _lesson(tree, held)):
        return f"{lesson} is one of several lessons"
    if type in FRONT or type in ("fullstack", "node"):
        found = [_installed(tree, part.root) for part in held if part.is_front or _is_plain_node(part)]
        if found and all(found):
            return f"{found[0]} tells that the result is installed, not served"
    if type in FRONT:
        against = _unaccounted(tree, type, held) or _starts_above(tree, held) or foreign_project(tree)
        return against or (_packs_a_program(held[0]) if type == "static" else None)
    if type == "docker":
        return _built_from_code(tree, held) or only_backing(tree, held)
    if type == "node":
        return _shows_pages(held[0])
    if type == "python":
        return unseen_application(held[0])
    return None


def _is_plain_node(part: Part) -> bool:
    return part.kind.type == "node" and part.claim.framework is None


def _unaccounted(tree: Tree, type: str, parts: tuple[Part, ...]) -> str | None:
    """Another half beside a front end that nothing else claims: a server among the dependencies, more code of one."""
    own = {part.root for part in parts}
    for folder, package in _packages(tree):
        host = next((name for name in HOSTS if name in package.runtime), None)
        if host and (_names_a_server(tree, folder) and type not in _SERVED if folder in own else True):
            return f"{package.path} depends on {host}, so that a server may lie here as well"
    if _count(tree.suffixes, _BACK_CODE) < _FEW:
        return None
    suffixes = _own_suffixes(tree)
    packaged = next((name for name in ("setup.py", "setup.cfg") if "." in own and tree.has(name)), None)
    if packaged and suffixes.get(".py", 0) >= _FEW:
        return f"{packaged} describes a package for Python here as well"
    ending = max(_BACK_CODE, key=lambda name: suffixes.get(name, 0))
    if suffixes.get(ending, 0) >= _FEW and suffixes[ending] * 2 > _count(suffixes, _FRONT_CODE) * 3:
        return f"most code is in {ending} files, not in those of its pages"
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


def _within(place: str, parts: tuple[Part, ...]) -> bool:
    return any(place == part.root or place.startswith(f"{part.root}/") for part in parts)


def _packs_a_program(part: Part) -> str | None:
    """An image made beside plain pages that neither serves anything nor stands on a web server."""
    dockerfile = part.folder.dockerfile
    if dockerfile is None or not dockerfile.images or dockerfile.exposed:
        return None
    image = dockerfile.images[-1]
    return None if _SERVES_PAGES.search(f"{image} {dockerfile.command}") else f"the Dockerfile packs {image}, no page"


def _shows_pages(part: Part) -> str | None:
    """A page beside a package that nothing starts: its `main` may be a script of the page."""
    package = part.folder.package
    page = part.folder.first("index.html", "src/index.html", "app/index.html", "public/index.html", "www/index.html")
    if package is None or page is None or part.claim.framework or package.publishes or package.started:
        return None
    return f"{part.folder.path(page)} is a page, and no script starts a server"


def _packages(tree: Tree) -> Iterator[tuple[str, Package]]:
    """The packages that were read, but for what lies beside the project and the top of a workspace, whose dependencies
    are those of the packages below."""
    bound = workspaces.orchestrator(tree) is not None
    for path in tree.read:
        folder = path.rpartition("/")[0] or "."
        if path.endswith("package.json") and not is_side(folder) and not (bound and folder == "."):
            package = package_in(tree, folder)
            if package is not None:
                yield folder, package


def _names_a_server(tree: Tree, folder: str) -> bool:
    """Whether a file or directory in `folder` is called a server: a package alone may serve development only."""
    return any(_SERVER_FILE.search(path) and not is_noise(path.rpartition("/")[0]) for path in tree.below(folder))


def _own_suffixes(tree: Tree) -> dict[str, int]:
    """How many files there are of each ending, without what tools fetched or built."""
    counted: dict[str, int] = {}
    for folder in tree.folders:
        if not is_noise(folder):
            for name in tree.names(folder):
                ending = name[name.rfind(".") :].lower()
                counted[ending] = counted.get(ending, 0) + 1
    return counted


def _count(suffixes: dict[str, int], endings: tuple[str, ...]) -> int:
    return sum(suffixes.get(ending, 0) for ending in endings)


def _lesson(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """The numbered directory at the top (`week3`, `02-forms`) that a part lies in, if it is one of three or more."""
    tops = {part.root.partition("/")[0] for part in parts}
    within = sorted(top for top in tops if _LESSON.match(top))
    if not within or len(within) != len(tops):
        return None
    lessons = [folder for folder in tree.folders if "/" not in folder and _LESSON.match(folder)]
    return within[0] if len(lessons) >= 3 else None


def _installed(tree: Tree, root: str) -> str | None:
    """The file that tells that the pages in `root` are installed in a browser, on a desktop or a phone."""
    prefix = "" if root == "." else f"{root}/"
    for above in dict.fromkeys((prefix, "")):
        found = next((above + name for name in _INSTALLED if tree.has(above + name)), None)
        if found:
            return found
    for place in ("", "public", "src", "static"):
        folder = (prefix + place).rstrip("/") or "."
        if "manifest.json" in tree.names(folder) and any(map(_EXTENSION.fullmatch, tree.names(folder))):
            return f"{folder}/manifest.json".removeprefix("./")
    return None


def _built_from_code(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """The directory that a compose file builds an image from, if it holds a program of its own."""
    for part in parts:
        if not any(map(is_compose, part.folder.names)):
            continue
        for service in part.folder.compose:
            if service.context and service.context != part.root and package_in(tree, service.context):
                return f"{service.context} holds a program, of which an image is made"
    return None
