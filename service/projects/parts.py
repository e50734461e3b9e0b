"""The parts of a repository: directories with the kind that won there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.projects import workspaces
from service.projects.folder import Folder
from service.projects.kind import CERTAIN, Claim, Kind

FRONT = frozenset(
    ("react", "vue", "angular", "svelte", "nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit", "static")
)
# Front ends that bring a server of their own: alone they are no full stack.
ASSET_HOSTS = frozenset(["laravel", "rails", "php", "ruby", "dotnet"])
GENERIC = frozenset(["node", "python", "static", "docker"])
BACK_NAME = re.compile(
    r"(?:^|/)(?:back(?:[-_]?end)?|server|api|backend[-_]?\w+|\w+[-_]backend|\w+[-_](?:api|server)|gateway)$",
    re.IGNORECASE,
)
_ASSETS = re.compile(r"(?:^|/)(?:static\w*|assets?|media)(?:/|$)")  # what a server hands out beside its pages
FRONT_NAME = re.compile(r"(?:front(?:[-_]?end)?|client)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A directory with the kind that won there; `behind`: the front end of another part asks it for contents."""

    folder: Folder
    kind: Kind
    claim: Claim
    behind: bool = False

    @property
    def root(self) -> str:
        return self.folder.root

    @property
    def is_front(self) -> bool:
        """Whether this is what people look at: pages in PHP as well, where their directory is called a front end."""
        named = self.kind.type == "php" and FRONT_NAME.fullmatch(self.root.rpartition("/")[2]) is not None
        return (self.kind.type in FRONT or (named and self.claim.framework is None)) and not self.behind

    @property
    def serves(self) -> bool:
        """Whether this answers requests: a framework says so, a name like `backend` does, a plain language does not."""
        if self.behind:
            return True
        if self.claim.library or self.is_front or self.kind.type == "docker" or self.runs_in_a_window:
            return False
        if self.kind.type in ("node", "python"):
            return self.claim.framework is not None or BACK_NAME.search(self.root) is not None
        return True

    @property
    def runs_in_a_window(self) -> bool:
        """Whether Electron runs this on a desktop."""
        package = self.folder.package
        return package is not None and package.depends_on("electron", "electron-builder", "electron-packager")

    @property
    def is_generic(self) -> bool:
        return self.kind.type in GENERIC


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


def relevant(parts: list[Part]) -> list[Part]:
    """Without the parts that others contain: a directory inside a project of the same language belongs to it, unless
    the outer one is only a generic frame (a root of linters, a bare pyproject.toml) around a real application."""
    kept: list[Part] = []
    for part in parts:
        outer = _owner(kept, part)
        if outer is None:
            kept.append(part)
        elif _is_frame(outer, part):
            if outer.kind.language == part.kind.language or not outer.serves:
                kept.remove(outer)
            kept.append(part)
    return kept


def _tries_out(outer: Part, part: Part) -> bool:
    """Whether an application is there to try out the package above it, which it depends on."""
    package, above = part.folder.package, outer.folder.package
    return bool(package and above and above.name and package is not above and package.depends_on(above.name))


def _is_frame(outer: Part, part: Part) -> bool:
    """Whether the outer part only holds the inner one. An image is made of a server on any framework, named or not; a
    compose file at the top builds a server, or the pages before it, from the directory of that name."""
    if part.claim.library or part.kind.type == "docker" or not outer.is_generic or _tries_out(outer, part):
        return False
    is_script = outer.kind.type == "python" and outer.claim.confidence < 0.6
    only_starts = (outer.kind.type in ("docker", "node") or is_script) and outer.claim.framework is None
    composes = outer.kind.type == "docker" and outer.folder.dockerfile is None
    if composes and part.folder.own_services and (part.serves or FRONT_NAME.fullmatch(part.root)):
        return True
    started = part.claim.framework is not None or (composes and part.claim.confidence >= 0.8)
    return not part.is_generic or (only_starts and part.serves and started)


def _owner(kept: list[Part], part: Part) -> Part | None:
    """The part nearest above that this one belongs to; None if it is a project in its own right."""
    above = [other for other in reversed(kept) if _contains(other, part)]
    nearest = [other for other in above if other.root == above[0].root]
    return next((other for other in nearest if not _is_other_half(other, part)), None)


def _contains(outer: Part, inner: Part) -> bool:
    return outer.root != inner.root and (outer.root == "." or inner.root.startswith(f"{outer.root}/"))


def _is_other_half(outer: Part, inner: Part) -> bool:
    """Whether the inner part is a project in its own right although it lies inside another."""
    if _tries_out(outer, inner):
        return False
    if inner.claim.library:
        bound = outer.kind.type == "docker" and workspaces.members(inner.folder.tree, (inner.root,))
        return outer.claim.library or outer.kind.type == "node" or bool(bound)
    if inner.kind.type in ("docker", "static"):
        return False
    if outer.is_front:
        return not inner.is_front and inner.serves
    if inner.is_front and inner.claim.confidence < 0.9 and _ASSETS.search(inner.root):
        return inner.folder.has("index.html", "src/index.html", "public/index.html")
    if inner.is_front:
        return outer.kind.type not in ASSET_HOSTS or inner.claim.confidence >= 0.9
    return outer.claim.library and outer.is_generic
