"""From what each directory holds to what the repository is: one project, a full stack, a monorepo."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.projects import workspaces
from service.projects.folder import Folder
from service.projects.keyfiles import depth
from service.projects.kind import CERTAIN, Claim, Kind
from service.projects.node_project import is_dev_server
from service.projects.tree import Tree

FRONT = frozenset(
    ("react", "vue", "angular", "svelte", "nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit", "static")
)
# Front ends that bring a server of their own: alone they are no full stack.
ASSET_HOSTS = frozenset(["laravel", "rails", "php", "ruby", "dotnet"])
GENERIC = frozenset(["node", "python", "static", "docker"])
MAX_HALVES = 8  # more applications than this that nothing binds together are a collection, not a full stack
_BACK_NAME = re.compile(
    r"(?:^|/)(?:back[-_]?end|server|api|backend[-_]?\w+|\w+[-_]backend|\w+[-_](?:api|server))$", re.IGNORECASE
)
_APP_PLACE = re.compile(
    r"(?:^|/)(?:apps?|web|frontend|client|ui|www|site|admin|portal|dashboard)(?:/|$)", re.IGNORECASE
)
_MAIN_NAME = re.compile(r"(?:^|/)(?:web|app|frontend|client|www|site|main|portal|admin)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A directory with the kind that won there."""

    folder: Folder
    kind: Kind
    claim: Claim

    @property
    def root(self) -> str:
        return self.folder.root

    @property
    def is_front(self) -> bool:
        return self.kind.type in FRONT

    @property
    def serves(self) -> bool:
        """Whether this answers requests: a framework says so, a name like `backend` does, a plain language does not."""
        if self.claim.library or self.is_front or self.kind.type == "docker":
            return False
        if self.kind.type in ("node", "python"):
            return self.claim.framework is not None or _BACK_NAME.search(self.root) is not None
        return True

    @property
    def is_generic(self) -> bool:
        return self.kind.type in GENERIC


@dataclass(frozen=True, slots=True)
class Composition:
    """What the repository is: a type, the part that speaks for it (None: nothing does), all parts if several."""

    type: str
    main: Part | None
    parts: tuple[Part, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A directory with everything that was claimed about it, the winner first."""

    folder: Folder
    claims: tuple[tuple[Kind, Claim], ...]

    @property
    def part(self) -> Part | None:
        """The winner, if it is certain."""
        if not self.claims or self.claims[0][1].confidence < CERTAIN:
            return None
        kind, claim = self.claims[0]
        return Part(self.folder, kind, claim)


def compose(tree: Tree, claimed: list[Claimed]) -> Composition:
    """Decide what the repository is from its directories, the top first."""
    found = [part for entry in claimed for part in _parts(entry)]
    if _is_deployment(found):
        return Composition("docker", found[0])
    parts = _relevant(found)
    top = next((part for part in parts if part.root == "."), None)
    apps = [part for part in parts if not part.claim.library and part.kind.type != "docker"]
    fronts = [part for part in apps if part.is_front and not (part.kind.type == "static" and part.root != ".")]
    backs = [part for part in apps if part.serves]
    if len(fronts) + len(backs) > MAX_HALVES and not workspaces.orchestrator(tree):
        return Composition("monorepo", None, (*fronts, *backs), "many applications side by side")
    if fronts and backs:
        return Composition("fullstack", None, (*fronts, *backs), "a front end beside a back end")
    if fronts and not _are_aids(fronts, parts):
        return _only(tree, fronts, top)
    if backs:
        return _only_backs(tree, backs, top)
    return _rest(tree, parts, top)


def _is_deployment(parts: list[Part]) -> bool:
    """Whether the repository is about images: a collection of them, or a compose file that runs finished ones and
    builds nothing."""
    top = next((part for part in parts if part.root == "."), None)
    if not parts or (top is not None and top.kind.type != "docker"):
        return False
    images = [part for part in parts if part.kind.type == "docker"]
    if any(part.claim.confidence > 0.9 and not part.claim.library for part in parts):
        return False
    if len(images) >= 3 and len(images) > 2 * (len(parts) - len(images)):
        return True
    if top is None or not top.folder.compose:
        return False
    builds = any(service.context is not None for service in top.folder.compose)
    finished = [service for service in top.folder.compose if service.image and not service.backing]
    return not builds and len(finished) >= 2


def _parts(entry: Claimed) -> list[Part]:
    """The winner of a directory, with the other half where one directory holds both halves of a full stack."""
    part = entry.part
    if part is None:
        return []
    for kind, claim in entry.claims[1:]:
        other = Part(entry.folder, kind, claim)
        if _share_a_folder(part, other):
            return [part, other]
    return [part]


def _share_a_folder(one: Part, other: Part) -> bool:
    """Python, Go or Java with the sources of a single-page application beside them; or such an application whose
    start script runs a server of its own (`node server.js`) that imports Express or its kind."""
    if other.claim.confidence < 0.8 or other.claim.library or one.claim.library:
        return False
    spa = ("react", "vue", "angular", "svelte")
    if one.serves and one.kind.type not in ASSET_HOSTS and other.kind.type in spa:
        return one.kind.language not in ("javascript", "typescript") and not one.is_generic
    return (
        one.kind.type in spa
        and other.kind.type in ("express", "node", "nestjs")
        and other.serves
        and _starts_server(one.folder)
    )


def _starts_server(folder: Folder) -> bool:
    start = folder.package.command("start") if folder.package else ""
    script = re.search(r"(?:^|[\s&;])node\s+(?:-\S+\s+)*(?:\./)?([\w./-]+)", start)
    return (
        script is not None
        and not is_dev_server(start)
        and folder.has(script[1], f"{script[1]}.js", f"{script[1]}/index.js")
    )


def _relevant(parts: list[Part]) -> list[Part]:
    """Without the parts that others contain: a directory inside a project of the same language belongs to it, unless
    the outer one is only a generic frame (a root of linters, a bare pyproject.toml) around a real application."""
    kept: list[Part] = []
    for part in parts:
        outer = _owner(kept, part)
        if outer is None:
            kept.append(part)
        elif outer.is_generic and not part.is_generic and part.kind.type != "docker" and not part.claim.library:
            if outer.kind.language == part.kind.language or not outer.serves:
                kept.remove(outer)
            kept.append(part)
    return kept


def _owner(kept: list[Part], part: Part) -> Part | None:
    """The part nearest above that this one belongs to; None if it is a project in its own right."""
    above = [other for other in reversed(kept) if _contains(other, part)]
    nearest = [other for other in above if other.root == above[0].root]
    return next((other for other in nearest if not _is_other_half(other, part)), None)


def _contains(outer: Part, inner: Part) -> bool:
    return outer.root != inner.root and (outer.root == "." or inner.root.startswith(f"{outer.root}/"))


def _is_other_half(outer: Part, inner: Part) -> bool:
    """Whether the inner part is a project in its own right although it lies inside another."""
    if inner.claim.library:
        return outer.claim.library or outer.kind.type == "node"
    if inner.kind.type in ("docker", "static"):
        return False
    if outer.is_front:
        return not inner.is_front and inner.serves
    if inner.is_front:
        return outer.kind.type not in ASSET_HOSTS or inner.claim.confidence >= 0.9
    return outer.claim.library and outer.is_generic


def _are_aids(fronts: list[Part], parts: list[Part]) -> bool:
    """Whether the front ends only try out the packages of a workspace: they lie among those, not where apps lie."""
    libraries = [part for part in parts if part.claim.library and part.root != "."]
    return len(libraries) >= 3 and not any(_APP_PLACE.search(part.root) or part.root == "." for part in fronts)


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
    return Composition("monorepo", None, tuple(fronts), "several front ends")


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
    return Composition("monorepo", None, tuple(backs), "several servers")


def _rest(tree: Tree, parts: list[Part], top: Part | None) -> Composition:
    """No application: libraries, programs, pages, images."""
    libraries = [part for part in parts if part.root != "." and part.kind.type != "docker"]
    bound = workspaces.members(tree, (part.root for part in libraries))
    if (
        len(bound) >= 2
        and workspaces.orchestrator(tree)
        and (top is None or top.kind.type in ("node", "docker") or top.claim.library)
    ):
        return Composition(
            "monorepo", None, tuple(part for part in libraries if part.root in bound), "packages in one workspace"
        )
    if top is not None:
        return Composition(top.kind.type, top)
    if len(libraries) == 1:
        return Composition(libraries[0].kind.type, libraries[0])
    if len({part.kind.type for part in libraries}) == 1 and len(libraries) < 4:
        return Composition("monorepo", None, tuple(libraries), "several projects of one kind")
    images = [part for part in parts if part.kind.type == "docker"]
    if images and not libraries:
        return Composition("docker", images[0])
    return Composition("unknown", None, (), "several unrelated projects" if libraries else "nothing that is known")
