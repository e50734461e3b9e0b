"""What speaks against an answer: `unknown`, with the answer among the alternatives, costs less than a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.projects import workspaces
from service.projects.foreign import foreign_project
from service.projects.images import more_than_images
from service.projects.mixture import beside_what_is_installed, other_language
from service.projects.node_packages import FRAMEWORKS
from service.projects.parts import BACK_NAME, FRONT, Part
from service.projects.places import depth, is_side
from service.projects.servers_unseen import unseen_application
from service.projects.shares import lies_elsewhere, small_half
from service.projects.tree import Tree
from service.projects.unaccounted import left_out, unseen_pages

_DEEP = 3  # from how many directories down on an example is not what a repository is about
_LESSON = re.compile(
    r"(?:\d{1,3}[-_. ]?[a-z]|(?:day|week|lesson|chapter|lab|task|exercise|ex|module|assignment|homework|hw|practice|"
    r"lecture|session|unit|class|level|challenge|kata|tutorial|"
    r"tp|td|semaine|semana|aula|clase|woche|uebung|blatt)s?[-_ ]?\d)",
    re.IGNORECASE,
)
_SERVES_PAGES = re.compile(
    r"nginx|httpd|apache|caddy|lighttpd|traefik|static|serve|http|busybox|node|php|python|ruby", re.IGNORECASE
)
# Files beside a manifest.json that only an extension for browsers has; what a program for desktops or phones has.
_EXTENSION = re.compile(
    r"(?:popup|options|side-?panel|devtools)\.(?:html|js|ts|tsx)|(?:background|content(?:[-_]?scripts?)?)\.[jt]sx?"
)
_INSTALLED = (
    *("src-tauri/tauri.conf.json", "src-tauri/Cargo.toml", "tauri.conf.json", "wails.json", "neutralino.config.json"),
    *("project.config.json", "pages.json", "src/pages.json", "electron-builder.yml", "electron-builder.json"),
)


def doubt(tree: Tree, type: str, parts: Iterable[Part]) -> str | None:
    """Why `parts` should not be called a `type`, as the end of a sentence; None if nothing speaks against it."""
    held = tuple(parts)
    if not held:
        return None
    if (type != "monorepo" or workspaces.orchestrator(tree) is None) and (lesson := _lesson(tree, held)):
        return f"{lesson} is one of several lessons"
    if aside := beside_what_is_installed(tree, held):
        return aside
    if type in ("express", "node", "nestjs") and any(part.runs_in_a_window for part in held):
        return "Electron runs it on a desktop"
    if type in FRONT or type in ("fullstack", "node"):
        found = [_installed(tree, part.root) for part in held if part.is_front or _is_plain_node(part)]
        if found and all(found):
            return f"{found[0]} tells that the result is installed, not served"
    if type == "docker":
        return more_than_images(tree, held)
    if type in ("fullstack", "monorepo"):
        return _pages_in_php(held) or (_of_a_stack(tree, held) if type == "fullstack" else unseen_pages(tree, held))
    return _of_its_kind(tree, type, held) or left_out(tree, type, held)


def _of_a_stack(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    return _plain_java(parts) or small_half(tree, parts) or other_language(tree, parts) or lies_elsewhere(tree, parts)


def _plain_java(parts: tuple[Part, ...]) -> str | None:
    """Java beside pages of which nothing says that it answers requests: a library, a module of something else."""
    backs = [part for part in parts if not part.is_front]
    if all(part.kind.type == "java" and part.claim.framework is None and not _is_deployed(part) for part in backs):
        return f"nothing says that the Java code in {backs[0].root} answers requests"
    return None


def _is_deployed(part: Part) -> bool:
    return bool(part.folder.dockerfile or part.folder.own_services or BACK_NAME.search(part.root))


def _of_its_kind(tree: Tree, type: str, parts: tuple[Part, ...]) -> str | None:
    if type in FRONT:
        against = _packs_a_program(parts[0]) or _framework_beside(parts[0]) if type == "static" else None
        return foreign_project(tree) or against
    if type == "node":
        return _deep_example(parts[0]) or _shows_pages(parts[0])
    if type == "python":
        return _deep_example(parts[0]) or unseen_application(parts[0]) or _page_beside(parts[0])
    return None


def _is_plain_node(part: Part) -> bool:
    return part.kind.type == "node" and part.claim.framework is None


def _packs_a_program(part: Part) -> str | None:
    """An image made beside plain pages that neither serves anything nor stands on a web server."""
    dockerfile = part.folder.dockerfile
    if dockerfile is None or not dockerfile.images or dockerfile.exposed:
        return None
    image = dockerfile.images[-1]
    return None if _SERVES_PAGES.search(f"{image} {dockerfile.command}") else f"the Dockerfile packs {image}, no page"


def _deep_example(part: Part) -> str | None:
    """A few scripts among examples further down, where nothing else was recognised."""
    if part.claim.framework or not is_side(part.root) or depth(part.root) < _DEEP:
        return None
    return f"{part.root} lies among what is beside a project, and no project was recognised"


def _shows_pages(part: Part) -> str | None:
    """A page beside a package that nothing starts: its `main` may be a script of the page."""
    package = part.folder.package
    page = part.folder.first("index.html", "src/index.html", "app/index.html", "public/index.html", "www/index.html")
    if package is None or page is None or part.claim.framework or package.publishes or package.started:
        return None
    return f"{part.folder.path(page)} is a page, and no script starts a server"


def _page_beside(part: Part) -> str | None:
    """A page beside a program in Python that answers no requests: which of them the repository is about?"""
    shows = part.folder.has("index.html") and part.claim.framework is None and not part.claim.library
    return f"{part.folder.path('index.html')} is a page, and nothing in Python serves it" if shows else None


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


def _framework_beside(part: Part) -> str | None:
    """A framework that is a kind of its own, which a package beside plain pages needs but nothing builds; a generator
    of sites may be made of one."""
    package = part.folder.package if part.claim.confidence < 0.9 else None
    name = next((name for name in FRAMEWORKS if package and name in package.runtime), None)
    return f"{package.path} depends on {name}" if package and name else None


def _pages_in_php(parts: tuple[Part, ...]) -> str | None:
    """Directories with a page in PHP each, of which nothing says what belongs together."""
    if all(part.kind.type == "php" and not part.folder.has("composer.json") for part in parts):
        return f"pages in PHP lie in {parts[0].root} and in {parts[-1].root}"
    return None
