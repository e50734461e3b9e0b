"""NestJS: a server in TypeScript, compiled before it runs."""

from __future__ import annotations

from service.projects.bundler import is_workspace
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component, production_start


def recognise(folder: Folder) -> Claim | None:
    package = folder.package
    if package is None or not package.depends_on("@nestjs/core"):
        return None
    evidence = [package.fact("@nestjs/core")]
    if folder.has("nest-cli.json"):
        evidence.append(folder.fact("nest-cli.json", "configuration of NestJS"))
    if "@nestjs/core" in package.peers:
        return Claim(0.6, tuple(evidence), library=True)
    starts = folder.has("nest-cli.json", "src/main.ts", "main.ts", "src/index.ts") or (
        "start" in package.scripts and not is_workspace(folder)
    )
    return Claim(0.96, tuple(evidence)) if starts else None


def describe(folder: Folder) -> Component:
    start = production_start(folder)
    scripts = folder.package.scripts if folder.package else {}
    if scripts.get("start:prod") is None and scripts.get("start", "").startswith("nest start"):
        start = "node dist/main"  # `nest start` compiles each time it starts
    return node_component(
        folder,
        type="nestjs",
        output_dir="dist",
        start_command=start or "node dist/main",
        default_port=3000,
        default_build="nest build",
    )


KIND = Kind("nestjs", "backend", "typescript", recognise, describe)
