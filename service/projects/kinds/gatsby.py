"""Gatsby: React built into pages."""

from __future__ import annotations

from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.node_project import node_component


def recognise(folder: Folder) -> Claim | None:
    config, package = folder.config("gatsby-config"), folder.package
    if package and package.depends_on("gatsby") and "gatsby" not in package.peers:
        evidence = [package.fact("gatsby")]
        return Claim(0.96, (*evidence, *([folder.fact(config, "configuration of Gatsby")] if config else [])))
    return None


def describe(folder: Folder) -> Component:
    return node_component(folder, type="gatsby", output_dir="public", default_build="gatsby build")


KIND = Kind("gatsby", "frontend", "javascript", recognise, describe)
