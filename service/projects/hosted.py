"""Modules of Node.js that a platform runs as they are, where no server is started: at Cloudflare, AWS, Azure."""

from __future__ import annotations

import re

from service.projects.bundler import builds_page
from service.projects.folder import Folder
from service.projects.model import Evidence
from service.projects.reading import string

WRANGLER = frozenset(("wrangler.toml", "wrangler.jsonc", "wrangler.json"))  # which module Cloudflare runs
_IS_FUNCTION = re.compile(r"[\w-]+/function\.json")
_RUNTIME = re.compile(r"\b(runtime[\"']?:\s*[\"']?nodejs[\w.]*)", re.IGNORECASE)
_API = re.compile(r"(?:^|/)(?:api|server|workers?|backend|functions)/")


def hosted_functions(folder: Folder) -> tuple[Evidence, str] | None:
    """What has a platform run modules of this folder, with what they are called there; None if nothing does."""
    for find, name in ((_worker, "workers"), (_lambda, "lambda"), (_azure, "azure-functions")):
        if found := find(folder):
            return found, name
    return None


def _worker(folder: Folder) -> Evidence | None:
    """The module that Cloudflare runs as it is, named in a wrangler file. Beside pages that are built it is one in a
    directory of its own; others only hand those out."""
    for name in sorted(WRANGLER, reverse=True):
        if folder.has(name):
            read = folder.tree.toml if name.endswith("toml") else folder.tree.json_with_comments
            main = string(read(folder.path(name)).get("main"))
            own = main and folder.has(main.removeprefix("./")) and not main.startswith("workers-site")
            if own and (_API.search(main or "") or not builds_page(folder)):
                return folder.fact(name, f"main {main}")
    return None


def _lambda(folder: Folder) -> Evidence | None:
    """The line by which a template of AWS SAM or of the Serverless Framework has functions run by Node.js. They are
    YAML with tags of their own, or code, hence no parser."""
    for name in ("template.yaml", "template.yml", "serverless.yml", "serverless.yaml", "serverless.ts"):
        source = folder.text(name) or ""
        runtime = _RUNTIME.search(source)
        if runtime and (name.startswith("serverless") or "AWS::Serverless" in source) and not builds_page(folder):
            return folder.fact(name, runtime[1])
    return None


def _azure(folder: Folder) -> Evidence | None:
    found = next(filter(_IS_FUNCTION.fullmatch, folder.below), None) if folder.has("host.json") else None
    return folder.fact(found, "a function of Azure") if found else None
