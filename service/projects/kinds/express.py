"""Express: a Node.js server on the framework of that name."""

from __future__ import annotations

import re

from service.projects.bundler import builds_page, is_workspace
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.kinds.node import describe_server, imports_of_entries
from service.projects.model import Component
from service.projects.node_starts import is_dev_server

_STARTS = re.compile(r"start(?::.+)?|.+:start")
# What listens in Express's place, where others (`socket.io`, Apollo's server) stand on it.
_INSTEAD = ("fastify", "koa", "@hapi/hapi", "hono", "@hono/node-server", "restify", "polka", "hyper-express", "elysia")


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or not package.depends_on("express"):
        return None
    starts = any(map(_STARTS.fullmatch, package.scripts))
    if "express" in package.peers or (package.is_offered and not starts):
        return None  # something for Express, not something on it
    evidence = [package.fact("express")]
    importing = imports_of_entries(folder, "express")
    if importing:
        return Claim(0.94, (*evidence, folder.fact(importing, "imports express")))
    if "express" not in package.runtime or builds_page(folder):
        return None  # a page that is built: nothing here uses what is among its dependencies
    if any(imports_of_entries(folder, name) for name in _INSTEAD if name in package.runtime):
        return None  # what is started is made of another framework
    for name in ("start", "start:prod", "server", "dev"):
        start = package.scripts.get(name, "")
        starts_node = any(word in start for word in ("node", "tsx", "bun", "pm2"))
        if starts_node and (not is_dev_server(start) or "nodemon" in start or "ts-node" in start):
            return Claim(0.85, (*evidence, folder.fact("package.json", f"scripts.{name} {start}")))
    makes_pages = package.depends_on("react", "vue", "svelte", "@angular/core")  # whose entry it may be
    has_entry = bool(folder.entry_names) and not is_workspace(folder) and not makes_pages
    return Claim(0.7, tuple(evidence)) if has_entry and not package.publishes else None


def describe(folder: Folder) -> Component:
    return describe_server(folder, "express")


KIND = Kind("express", "backend", "javascript", recognise, describe)
