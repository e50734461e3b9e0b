"""Both halves of a full stack in one directory: pages, and a server that a script starts or another language brings."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.node_packages import SELF_STARTED
from service.projects.node_starts import scripts_run
from service.projects.parts import ASSET_HOSTS, Claimed, Part
from service.projects.places import is_side

_STARTS = ("start", "start:prod", "start:server", "server", "serve")
_HANDS_OUT = re.compile(
    r"express\.static|koa-static|koa-send|fastify/static|fastify-static|\bsirv\(|serve-static|serve-handler"
)
ANGULARS_OWN = ("@angular/ssr", "@nguniversal/express-engine", "@nguniversal/builders")
_OWN_ROUTE = re.compile(
    r"\.(?:post|put|patch|delete)\(|\bRouter\(|\.get\(\s*[\"'`](?!/?(?:\*|(?:ping|health\w*)[\"'`]))|\b(?:require\(|from\s+|import\()\s*[\"']\.{1,2}/(?![\w./-]*webpack)|"
    r"\b(?:mongoose|sequelize|prisma|socket\.io|apollo)|http-proxy|\b(?:create)?proxy(?:Middleware|Server)?\(",
    re.IGNORECASE,
)


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
    if one.kind.type == "angular" and one.folder.package and one.folder.package.depends_on(*ANGULARS_OWN):
        return False  # Express is what Angular renders its pages with
    if one.kind.type == "dotnet" and other.kind.type == "angular":
        return True  # whose pages are built by nothing but its own command line
    if one.serves and one.kind.type not in ASSET_HOSTS and other.kind.type in spa:
        return one.kind.language not in ("javascript", "typescript") and not one.is_generic
    return (
        one.kind.type in spa
        and other.kind.type in ("express", "node", "nestjs")
        and other.serves
        and (_is_beside(one, other) or _starts_server(one.folder))
    )


def _is_beside(one: Part, other: Part) -> bool:
    """Whether a server that nothing has to start goes along with plain pages."""
    return one.claim.framework is None and other.claim.framework in ("workers", *SELF_STARTED)


def _starts_server(folder: Folder) -> bool:
    """Whether a script that starts something runs a server that lies here. Where it runs what a build leaves, the
    script for development tells of what."""
    package = folder.package
    if package is None:
        return False
    started = [script for name in _STARTS for script in scripts_run(package.command(name))]
    if started and not any(_is_script(folder, name) for name in started):
        started = scripts_run(package.command("dev"))
    return any(_is_script(folder, name) and not shows_build(folder.text(name) or "") for name in started)


def shows_build(source: str) -> bool:
    """Whether a server only hands out files, the page for whatever else is asked: nothing of its own is behind it."""
    return _HANDS_OUT.search(source) is not None and not _OWN_ROUTE.search(javascript.without_comments(source))


def _is_script(folder: Folder, name: str) -> bool:
    """Whether a file that is run lies here, or the source of what a build leaves (`build/server/index.js`)."""
    name = re.sub(r"^(?:build|dist|out)/(?=\w+/)(.+)\.js$", r"\1", name)
    if is_side(name.rpartition("/")[0] or "."):
        return False  # a tool for working on the project
    return folder.has(name, f"{name}.js", f"{name}.ts", f"{name}/index.js", f"{name}/index.ts")
