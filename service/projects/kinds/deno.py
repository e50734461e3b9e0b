"""Deno: JavaScript with permissions, without package.json."""

from __future__ import annotations

import re

from service.projects import version_files, versions
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.places import DENO_ENTRIES
from service.projects.reading import texts

_ADDRESS = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](https://deno\.land/|jsr:)""")


def recognise(folder: Folder) -> Claim | None:
    config = folder.first("deno.json", "deno.jsonc")
    if config is None and folder.package is None:
        return _imports_by_address(folder)
    if config is None or (folder.package is not None and folder.package.runtime):
        return None  # beside a real package.json, Deno only checks or publishes
    imports = texts(folder.tree.json_with_comments(folder.path(config)).get("imports"))
    fresh = any("fresh" in target for target in imports.values())
    return Claim(0.9, (folder.fact(config, "configuration of Deno"),), "fresh" if fresh else None)


def _imports_by_address(folder: Folder) -> Claim | None:
    """A module that imports from Deno's or JSR's registry by address, which nothing else can run."""
    for name in DENO_ENTRIES:
        if found := _ADDRESS.search(folder.text(name) or ""):
            return Claim(0.85, (folder.fact(name, f"imports {found[1]}"),))
    return None


def describe(folder: Folder) -> Component:
    config = folder.first("deno.json", "deno.jsonc") or ""
    tasks = texts(folder.tree.json_with_comments(folder.path(config)).get("tasks"))
    stated = version_files.other(folder.tree, folder.root, "deno", 1, (".deno-version",))
    version, source = version_files.first_version(folder.tree, stated, lambda text: versions.dotted(text, 1))
    entry = folder.first(*DENO_ENTRIES)
    start = "deno task start" if "start" in tasks else f"deno run --allow-net --allow-env {entry}" if entry else None
    return Component(
        type="deno",
        language="typescript",
        package_manager="deno",
        runtime_version=version,
        version_source=source,
        install_command="deno install --frozen" if folder.has("deno.lock") else "deno install",
        build_command="deno task build" if "build" in tasks else None,
        test_command="deno task test" if "test" in tasks else "deno test",
        lint_command="deno lint",
        start_command=start,
        port=8000 if start else None,
    )


KIND = Kind("deno", "backend", "typescript", recognise, describe)
