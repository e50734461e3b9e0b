"""Which directories a workspace of any tool binds together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from service.projects.package import package_in
from service.projects.reading import strings, table
from service.projects.tree import Tree


def members(tree: Tree, folders: Iterable[str]) -> tuple[str, ...]:
    """Those of `folders` that the workspace at the top names; empty if there is no workspace.

    Negated patterns (`!packages/old`) take out what earlier ones took in; `./` in front means nothing.
    """
    patterns = _patterns(tree)
    found = []
    for folder in folders:
        if folder == ".":
            continue
        verdict = False
        for pattern in patterns:
            if _matches(folder, pattern.removeprefix("!")):
                verdict = not pattern.startswith("!")
        if verdict:
            found.append(folder)
    return tuple(found)


def orchestrator(tree: Tree) -> str | None:
    """The file at the top that binds packages together (`turbo.json`, `lerna.json`), if there is one."""
    names = ("pnpm-workspace.yaml", "turbo.json", "nx.json", "lerna.json", "rush.json", "go.work")
    name = next((name for name in names if tree.has(name)), None)
    if name == "pnpm-workspace.yaml" and not _patterns(tree):
        name = None  # only settings
    package = package_in(tree, ".")
    return name or ("package.json" if package and package.workspaces else None)


def _patterns(tree: Tree) -> tuple[str, ...]:
    package = package_in(tree, ".")
    rush = tree.json_with_comments("rush.json").get("projects")
    found = [
        *(package.workspaces if package else ()),
        *strings(tree.yaml("pnpm-workspace.yaml").get("packages")),
        *strings(tree.json("lerna.json").get("packages")),
        *strings(table(table(tree.toml("Cargo.toml").get("workspace"))).get("members")),
        *strings(
            table(table(table(tree.toml("pyproject.toml").get("tool")).get("uv")).get("workspace")).get("members")
        ),
        *(str(table(project).get("projectFolder", "")) for project in (rush if isinstance(rush, list) else [])),
        *re.findall(r"^\s*(?:use\s+)?(\./[\w./-]+)", tree.text("go.work") or "", re.MULTILINE),
    ]
    if tree.has("nx.json") or tree.has("workspace.json"):
        found += ["apps/*", "apps/*/*", "libs/*", "libs/*/*", "packages/*"]
    plain = (pattern.replace("!./", "!").removeprefix("./").rstrip("/") for pattern in found)
    return tuple(pattern for pattern in plain if pattern and len(pattern) < 200)


def _matches(folder: str, pattern: str) -> bool:
    """Whether a directory fits; `*` is one level, `**` any number of them, none as well (`packages/**/*`)."""
    if "**" in pattern:
        return fnmatchcase(folder, pattern.replace("**/", "*").replace("**", "*"))
    return folder.count("/") == pattern.count("/") and fnmatchcase(folder, pattern)
