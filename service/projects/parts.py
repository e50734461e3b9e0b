"""The parts of a repository: directories with the kind that won there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import CERTAIN, Claim, Kind
from service.projects.node_project import is_dev_server
from service.projects.places import is_side

FRONT = frozenset(
    ("react", "vue", "angular", "svelte", "nextjs", "nuxt", "astro", "gatsby", "remix", "sveltekit", "static")
)
# Front ends that bring a server of their own: alone they are no full stack.
ASSET_HOSTS = frozenset(["laravel", "rails", "php", "ruby", "dotnet"])
GENERIC = frozenset(["node", "python", "static", "docker"])
BACK_NAME = re.compile(
    r"(?:^|/)(?:back(?:[-_]?end)?|server|api|backend[-_]?\w+|\w+[-_]backend|\w+[-_](?:api|server))$", re.IGNORECASE
)
FRONT_NAME = re.compile(r"(?:front(?:[-_]?end)?|client)", re.IGNORECASE)
_ANGULARS_OWN = ("@angular/ssr", "@nguniversal/express-engine", "@nguniversal/builders")
_RUNS_SCRIPT = re.compile(r"(?:^|\s)(?:nodemon|node|tsx|ts-node|bun)\s+(?:watch\s+|-\S+\s+)*(?:\./)?([\w./-]+)")
_STARTS = ("start", "start:prod", "start:server", "server", "serve")
_OWN_ROUTE = re.compile(
    r"\.(?:post|put|patch|delete)\(|\bRouter\(|\.get\(\s*[\"'`](?!/?\*)|\b(?:require\(|from\s+|import\()\s*[\"']\.{1,2}/|"
    r"\b(?:mongoose|sequelize|prisma|socket\.io|apollo|proxy)",
    re.IGNORECASE,
)
_RESTARTS = re.compile(r"nodemon|tsx watch|--watch")  # a server all the same


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
            return self.claim.framework is not None or BACK_NAME.search(self.root) is not None
        return True

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


def parts_of(entry: Claimed) -> list[Part]:
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
    if one.kind.type == "angular" and one.folder.package and one.folder.package.depends_on(*_ANGULARS_OWN):
        return False  # Express is what Angular renders its pages with
    if one.kind.type == "dotnet" and other.kind.type == "angular":
        return True  # whose pages are built by nothing but its own command line
    if one.serves and one.kind.type not in ASSET_HOSTS and other.kind.type in spa:
        return one.kind.language not in ("javascript", "typescript") and not one.is_generic
    return (
        one.kind.type in spa
        and other.kind.type in ("express", "node", "nestjs")
        and other.serves
        and _starts_server(one.folder)
    )


def _starts_server(folder: Folder) -> bool:
    """Whether a script that starts something runs a server that lies here. Where it runs what a build leaves, the
    script for development tells of what."""
    package = folder.package
    if package is None:
        return False
    started = [script for name in _STARTS for script in _scripts_run(package.command(name))]
    if started and not any(_is_script(folder, name) for name in started):
        started = _scripts_run(package.command("dev"))
    return any(_is_script(folder, name) and not shows_build(folder.text(name) or "") for name in started)


def shows_build(source: str) -> bool:
    """Whether a server only hands out files, the page for whatever else is asked: nothing of its own is behind it."""
    return "express.static" in source and not _OWN_ROUTE.search(javascript.without_comments(source))


def _scripts_run(command: str) -> list[str]:
    """The files that Node.js or its kind is given in a command, those of a bundler's own server apart."""
    steps = [step for step in re.split(r"&&|;", command) if not is_dev_server(_RESTARTS.sub("", step))]
    return [match[1] for step in steps if (match := _RUNS_SCRIPT.search(step))]


def _is_script(folder: Folder, name: str) -> bool:
    """Whether a file that is run lies here, or the source of what a build leaves (`build/server/index.js`)."""
    name = re.sub(r"^(?:build|dist|out)/(?=\w+/)(.+)\.js$", r"\1", name)
    if is_side(name.rpartition("/")[0] or "."):
        return False  # a tool for working on the project
    return folder.has(name, f"{name}.js", f"{name}.ts", f"{name}/index.js", f"{name}/index.ts")


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
    only_starts = outer.kind.type in ("docker", "node") and outer.claim.framework is None
    composes = outer.kind.type == "docker" and outer.folder.dockerfile is None
    if composes and part.folder.own_services and (part.serves or FRONT_NAME.fullmatch(part.root)):
        return True
    return not part.is_generic or (only_starts and part.serves and part.claim.framework is not None)


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
        return outer.claim.library or outer.kind.type == "node"
    if inner.kind.type in ("docker", "static"):
        return False
    if outer.is_front:
        return not inner.is_front and inner.serves
    if inner.is_front:
        return outer.kind.type not in ASSET_HOSTS or inner.claim.confidence >= 0.9
    return outer.claim.library and outer.is_generic
