"""Next.js: React with a server of its own, or exported as files."""

from __future__ import annotations

import re

from service.projects import javascript
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component
from service.projects.node_starts import is_dev_server


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
    exported = _exported(folder)
    exports = javascript.setting(source, "output") == "export" or exported is not None
    directory = javascript.setting(source, "distDir")
    if exports:
        return node_component(
            folder, type="nextjs", output_dir=exported or directory or "out", default_build="next build"
        )
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


def _exported(folder: Folder) -> str | None:
    """Where a script has `next export` (until Next.js 14) write the pages: empty where it does not say; None if no
    script exports."""
    scripts = folder.package.scripts.values() if folder.package else ()
    found = (
        re.search(r"\bnext export\b(?:[^&|;]*?\s(?:-o|--outdir)[ =](?:\./)?([\w./-]+?)/?(?=$|[\s&|;]))?", text)
        for text in scripts
    )
    match = next(filter(None, found), None)
    return (match[1] or "") if match else None


KIND = Kind("nextjs", "frontend", "javascript", recognise, describe)
