"""A repository that is mostly written in a language that its answer says nothing of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

from service.projects.bundler import installed
from service.projects.languages import AROUND, FOREIGN, KNOWN
from service.projects.package import package_in
from service.projects.parts import ASSET_HOSTS, BACK_NAME, Part
from service.projects.places import is_noise, is_side
from service.projects.tree import Tree

# By the language of the answer's kinds, then those that no kind is about.
_ENDINGS = {
    **{language: endings for language, endings in KNOWN.items() if language != "javascript"},
    **AROUND,
    **FOREIGN,
}
# In a server's own files these are sources of pages that something has to build; plain scripts are not.
_SOURCES_OF_PAGES = (".ts", ".tsx", ".jsx", ".vue", ".svelte")
_PAGES = (*_SOURCES_OF_PAGES, ".js", ".mjs", ".cjs", ".html", ".astro", ".md", ".mdx")
_DOCUMENTATION = (".rst", ".adoc")  # as far as it lies among the sources
_FEW = 10


def other_language(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """What most of the code is written in, as the end of a sentence, if no part is; sources of pages beside a server
    are more often kept at hand, so only where they outnumber its own."""
    counted = _endings(tree)
    spoken = {part.kind.language or "" for part in parts}
    shown = any(part.is_front for part in parts) or not spoken.isdisjoint(("javascript", "typescript"))
    own = sum(_number(counted, _ENDINGS.get(language, ())) for language in spoken)
    own += _number(counted, _PAGES) if shown else 0
    others = [endings for language, endings in _ENDINGS.items() if language not in spoken]
    most = max(others, key=lambda endings: _number(counted, endings))
    number = _number(counted, most)
    if number >= _FEW and number * 2 > own:
        return f"{number} files end in {most[0]} or the like, {own} are of what was recognised"
    beside = all(is_side(part.root) for part in parts)  # examples, where nothing else is told
    told = _number(counted, (*_DOCUMENTATION, ".md", ".mdx") if beside else _DOCUMENTATION)
    if told >= _FEW and told > own * (1 if beside else 2):
        return f"{told} files are documentation, {own} are of what was recognised"
    shown = shown or any(part.kind.type in ASSET_HOSTS and package_in(tree, part.root) for part in parts)
    pages = 0 if shown else _number(counted, _SOURCES_OF_PAGES)
    if pages >= _FEW and pages > own:
        return f"{pages} files are sources of pages, {own} are of what was recognised"
    return None


def is_installed(tree: Tree) -> bool:
    """Whether the whole repository is installed on telephones, desktops or in browsers, but for what is recognised."""
    return "." in _installed_places(tree)


def beside_what_is_installed(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """That what was recognised may be an aid beside an application that is installed; a server that is named as one
    is more than that."""
    named = any(BACK_NAME.search(part.root) and (part.kind.type != "java" or part.claim.framework) for part in parts)
    if named or any(part.root == "." for part in parts) or not is_installed(tree):
        return None
    return "at the top is an application that is installed, not served"


def own_folders(tree: Tree) -> tuple[str, ...]:
    """The directories of the project's own: not what tools fetched or built, not what lies beside the project, not an
    application that is installed on telephones, desktops or in browsers."""
    return tree.remember("own folders", ".", lambda: _own_folders(tree))


def _own_folders(tree: Tree) -> tuple[str, ...]:
    installed_in = tuple(f"{folder}/" for folder in _installed_places(tree) if folder != ".")
    own = (folder for folder in tree.folders if not is_noise(folder) and not is_side(folder))
    return tuple(folder for folder in own if not f"{folder}/".startswith(installed_in))


def _installed_places(tree: Tree) -> Iterable[str]:
    for folder in tree.folders:
        names = tree.names(folder)
        package = package_in(tree, folder) if "package.json" in names else None
        if "pubspec.yaml" in names or (package and installed(package)):
            yield folder
        elif "AndroidManifest.xml" in names:  # shop/app/src/main, of a project in shop
            module = folder.partition("/src/")[0]
            yield module.rpartition("/")[0] or "."
        elif "project.pbxproj" in names:  # shop/Shop.xcodeproj
            yield folder.rpartition("/")[0] or "."


def _endings(tree: Tree) -> Counter[str]:
    return Counter(chain.from_iterable(map(tree.endings, own_folders(tree))))


def _number(counted: Counter[str], endings: tuple[str, ...]) -> int:
    return sum(counted[ending] for ending in endings)
