"""From what each directory holds to what the repository is: one project, a full stack, a monorepo."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from service.projects import workspaces
from service.projects.bundler import bundler
from service.projects.doubts import doubt
from service.projects.halves import parts_of
from service.projects.images import is_deployment, services_in_languages
from service.projects.parts import FRONT_NAME, Claimed, Part, relevant
from service.projects.places import depth
from service.projects.side_by_side import APP_PLACE, MAX_HALVES, is_collection, is_of_a_sample, is_one, is_unrelated
from service.projects.tree import Tree

UNBOUND = 0.5  # how sure it can be that projects are one whole if nothing says so
_FEW_FRONTS = 3  # of one product, which more than eight parts that nothing binds may be
_STRAY_PAGE = 0.6  # what a page in a place like docs/ claims
_EXAMPLE = re.compile(r"(?:^|/)(?:examples?|docs?|tests?|samples?|demos?)(?:/|$)", re.IGNORECASE)
_SITE = re.compile(r"(?:^|/)(?:www|site|website|homepage|docs)$", re.IGNORECASE)
_MAIN_NAME = re.compile(r"(?:^|/)(?:web|app|frontend|client|www|site|main|portal|admin)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Composition:
    """What the repository is: a type, the part that speaks for it (None: nothing does), all parts if several.

    `sure_to` bounds the confidence: parts may be certain where it is not certain that they belong together. `doubted`:
    the parts said something, but `because` speaks against it.
    """

    type: str
    main: Part | None
    parts: tuple[Part, ...] = ()
    because: str = ""
    sure_to: float = 1.0
    doubted: bool = False


def compose(tree: Tree, claimed: list[Claimed]) -> Composition:
    """Decide what the repository is; `unknown` where something speaks against what the directories say."""
    answer = _composed(tree, claimed)
    against = doubt(tree, answer.type, answer.parts or ((answer.main,) if answer.main else ()))
    return Composition("unknown", None, (), against, doubted=True) if against else answer


def _composed(tree: Tree, claimed: list[Claimed]) -> Composition:
    """What the directories say, the top first."""
    found = [part for entry in claimed for part in parts_of(entry)]
    if is_deployment(found):
        return Composition("docker", next((part for part in found if part.kind.type == "docker"), found[0]))
    parts = relevant(found)
    top = next((part for part in parts if part.root == "."), None)
    apps = [part for part in parts if not part.claim.library and part.kind.type != "docker"]
    if top is None and is_collection(tree, parts, [part for part in apps if part.is_front or part.serves]):
        return _collection(parts)
    backs = [part for part in apps if part.serves]
    fronts = [part for part in apps if part.is_front and (part.kind.type != "static" or _is_half(part, backs))]
    if not backs and len(fronts) > 1:  # a system for contents, with the front end that shows them
        backs = [replace(part, behind=True) for part in fronts if part.claim.framework == "payload"]
        fronts = [part for part in fronts if part.claim.framework != "payload"]
    if top is not None and top.kind.type == "rust":
        fronts = [part for part in fronts if not is_of_a_sample(tree, part)]
    if len(fronts) + len(backs) > MAX_HALVES and not workspaces.orchestrator(tree) and not is_one(fronts, backs):
        if len(fronts) > _FEW_FRONTS:
            return Composition("unknown", None, (), "many pages and servers that nothing binds together")
        return Composition("monorepo", None, (*fronts, *backs), "many applications side by side", UNBOUND)
    if fronts and backs and is_unrelated(tree, [*fronts, *backs]):
        return Composition("monorepo", None, (*fronts, *backs), "applications that nothing ties together", UNBOUND)
    if fronts and backs and workspaces.orchestrator(tree) and all(map(_is_offered, (*fronts, *backs))):
        return Composition("monorepo", None, (*fronts, *backs), "packages that are published")
    if fronts and backs:
        return Composition("fullstack", None, (*fronts, *backs), "a front end beside a back end")
    if fronts and not _are_aids(fronts, parts):
        return _only(tree, fronts, top)
    if backs and (services := services_in_languages(found)):
        return Composition("docker", None, tuple(services), "services in several languages, each with its image")
    if backs:
        return _only_backs(tree, backs, top)
    return _rest(tree, parts, top)


def _is_half(page: Part, backs: list[Part]) -> bool:
    """Whether pages without a framework are a front end: at the top; beside a server if built or named as one."""
    if page.root == ".":
        return not backs or page.claim.confidence > _STRAY_PAGE
    named = any(map(FRONT_NAME.fullmatch, page.root.split("/")[:2]))
    return bool(backs) and (named or bundler(page.folder) is not None)


def _are_aids(fronts: list[Part], parts: list[Part]) -> bool:
    """Whether the front ends only try out or describe the packages of a workspace: they lie among those, or where the
    pages about them lie, not where applications do."""
    libraries = [part for part in parts if part.claim.library and part.root != "."]
    published = [package.name for part in libraries if (package := part.folder.package) and not package.private]
    names = [name for name in published if name]
    if any(FRONT_NAME.fullmatch(part.root.rpartition("/")[2]) for part in fronts):
        return False
    if names and all(_SITE.search(part.root) for part in fronts):
        return True  # the pages about what is published
    if all(_depends_on(part, names) for part in fronts) and (len(names) > 1 or not _are_named(fronts)):
        return True  # what shows the packages
    return len(libraries) >= 3 and not _are_named(fronts)


def _is_offered(part: Part) -> bool:
    return part.folder.package is not None and part.folder.package.is_offered


def _are_named(fronts: list[Part]) -> bool:
    return any(APP_PLACE.search(part.root) or part.root == "." for part in fronts)


def _depends_on(part: Part, names: list[str]) -> bool:
    return part.folder.package is not None and part.folder.package.depends_on(*names)


def _is_made_of(top: Part, libraries: list[Part]) -> bool:
    """Whether the top is a program that depends on packages of its own workspace."""
    names = [name for part in libraries if (package := part.folder.package) and (name := package.name)]
    starts = top.folder.package is not None and "start" in top.folder.package.scripts
    return (starts or top.folder.has("index.js", "index.ts")) and _depends_on(top, names)


def _collection(parts: list[Part]) -> Composition:
    """A collection is of images if most of it is; else no sample speaks for it."""
    images = [part for part in parts if part.kind.type == "docker"]
    if len(images) * 2 > len(parts):
        return Composition("docker", None, tuple(images), "a collection of images")
    return Composition("unknown", None, (), "a collection of projects that nothing binds together")


def _only(tree: Tree, fronts: list[Part], top: Part | None) -> Composition:
    """Front ends and nothing behind them."""
    if len(fronts) == 1:
        return Composition(fronts[0].kind.type, fronts[0])
    if top in fronts and top is not None:
        return Composition(top.kind.type, top)
    types = {part.kind.type for part in fronts}
    if len(types) == 1 and workspaces.orchestrator(tree):
        main = min(fronts, key=lambda part: (_MAIN_NAME.search(part.root) is None, depth(part.root), part.root))
        return Composition(main.kind.type, main, tuple(fronts), "several applications of one kind in one workspace")
    return Composition("monorepo", None, tuple(fronts), "several front ends", UNBOUND)


def _only_backs(tree: Tree, backs: list[Part], top: Part | None) -> Composition:
    """Servers and nothing before them."""
    if len(backs) == 1:
        return Composition(backs[0].kind.type, backs[0])
    if top in backs and top is not None:
        return Composition(top.kind.type, top)
    languages = {part.kind.language for part in backs}
    contained = [part for part in backs if part.folder.dockerfile is not None]
    if len(backs) >= 3 and len(languages) >= 2 and len(contained) * 2 > len(backs):
        return Composition("docker", None, tuple(backs), "services in several languages, each with its image")
    return Composition("monorepo", None, tuple(backs), "several servers", UNBOUND)


def _rest(tree: Tree, parts: list[Part], top: Part | None) -> Composition:
    """No application: libraries, programs, pages, images."""
    libraries = [part for part in parts if part.root != "." and part.kind.type != "docker"]
    if top is not None and _is_made_of(top, libraries):
        return Composition(top.kind.type, top)
    bound = workspaces.members(tree, (part.root for part in libraries))
    if (
        len(bound) >= 2
        and workspaces.orchestrator(tree)
        and (top is None or top.kind.type in ("node", "docker") or top.claim.library)
    ):
        return Composition(
            "monorepo", None, tuple(part for part in libraries if part.root in bound), "packages in one workspace"
        )
    if top is not None and not (libraries and top.kind.type == "static" and top.claim.library):
        return Composition(top.kind.type, top)
    if len(libraries) == 1:
        return Composition(libraries[0].kind.type, libraries[0])
    if len({part.kind.type for part in libraries}) == 1 and len(libraries) < 4:
        return Composition("monorepo", None, tuple(libraries), "several projects of one kind", UNBOUND)
    images = [part for part in parts if part.kind.type == "docker" and not _EXAMPLE.search(part.root)]
    if images and not libraries:
        return Composition("docker", images[0])
    return Composition("unknown", None, (), "several unrelated projects" if libraries else "nothing that is known")
