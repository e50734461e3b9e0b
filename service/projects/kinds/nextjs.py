"""Next.js: React with a server of its own, or exported as files."""

from __future__ import annotations

import re

import msgspec

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import build_command, node_component
from service.projects.node_starts import is_dev_server

# The command that version 14 of Next.js took away (https://nextjs.org/docs/app/guides/static-exports), with the
# directory if it names one; and the versions that have no such command.
_EXPORT = re.compile(r"\bnext export\b(?:[^&|;]*?\s(?:-o|--outdir)[ =](?:\./)?([\w./-]+?)/?(?=$|[\s&|;]))?")
_NO_EXPORT = re.compile(r"[\^~>=v ]*(?:1[4-9]|[2-9]\d)(?:\.|$)")


def recognise(folder: Folder) -> Claim | None:
    config, package = folder.config("next.config"), folder.package
    evidence = [folder.fact(config, "configuration of Next.js")] if config else []
    depends = package is not None and package.depends_on("next", "blitz")
    if package and depends:
        evidence.insert(0, package.fact("next" if package.depends_on("next") else "blitz"))
    script = (
        next((text for text in package.scripts.values() if re.search(r"\b(?:next|blitz) (?:build|dev)\b", text)), None)
        if package
        else None
    )
    if package and script:
        evidence.append(folder.fact(package.path.rpartition("/")[2], f"a script runs `{script}`"))
    pages = any(folder.has_folder(name) for name in ("pages", "app", "src/pages", "src/app"))
    framework = "payload" if package and package.depends_on("payload") else None
    if config and (depends or script or package is None):
        return Claim(0.97 if depends else 0.85, tuple(evidence), framework)
    if depends and (script or pages) and package and not package.peers.get("next"):
        return Claim(0.93, tuple(evidence))
    return None


def describe(folder: Folder) -> Component:
    source = folder.config_text("next.config")
    directory = javascript.setting(source, "distDir")
    if export := _export(folder):
        name, written = export
        pages = node_component(folder, type="nextjs", output_dir=written or directory or "out")
        return msgspec.structs.replace(pages, build_command=_built_for(folder, name))
    if javascript.setting(source, "output") == "export":
        return node_component(folder, type="nextjs", output_dir=directory or "out", default_build="next build")
    manager, package = folder.node_manager, folder.package
    scripts = package.scripts if package else {}
    start = next(
        (name for name in ("start:prod", "start") if scripts.get(name) and not is_dev_server(scripts[name])), None
    )
    return node_component(
        folder,
        type="nextjs",
        output_dir=directory or ".next",
        start_command=manager.run(start) if start else manager.execute("next start"),
        default_port=3000,
        default_build="next build",
    )


def _export(folder: Folder) -> tuple[str, str] | None:
    """The script that has `next export` write the pages, the build's if it does, with the directory (empty where the
    script does not say it). One that is left over from before version 14 writes nothing."""
    package = folder.package
    if package is None or _NO_EXPORT.match({**package.development, **package.runtime}.get("next", "")):
        return None
    scripts = package.scripts
    for name in dict.fromkeys(("build", *scripts)):
        if match := _EXPORT.search(scripts.get(name, "")):
            return name, match[1] or ""
    return None


def _built_for(folder: Folder, name: str) -> str | None:
    """What builds the pages and has the script `name` export them; that script may do both."""
    export, build = folder.node_manager.run(name), build_command(folder, "next build")
    whole = folder.package is not None and "next build" in folder.package.command(name)
    runs = folder.package is not None and _EXPORT.search(folder.package.command("build"))
    return build if runs else export if whole else f"{build} && {export}"


KIND = Kind("nextjs", "frontend", "javascript", recognise, describe)
