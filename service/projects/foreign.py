"""Code in languages without a kind here: neither pages nor images beside it say what a repository is."""

from __future__ import annotations

from service.projects.containers import is_dockerfile
from service.projects.languages import CODE, ending
from service.projects.parts import Part
from service.projects.places import depth, is_noise, is_side
from service.projects.tree import Tree

# What a project in such a language is described by, with the endings of its code.
_MANIFESTS = {
    "project.clj": (".clj", ".cljs", ".cljc"),
    "deps.edn": (".clj", ".cljs", ".cljc"),
    "shadow-cljs.edn": (".cljs", ".cljc"),
    "build.sbt": (".scala",),
    "build.sc": (".scala",),
    "gleam.toml": (".gleam",),
    "rebar.config": (".erl",),
    "shard.yml": (".cr",),
    "stack.yaml": (".hs",),
    "cabal.project": (".hs",),
    "dune-project": (".ml",),
    "cpanfile": (".pl", ".pm"),
    "Makefile.PL": (".pl", ".pm"),
    "build.zig": (".zig",),
    "Package.swift": (".swift",),
}
_FEW = 3


def foreign_project(tree: Tree) -> str | None:
    """The manifest of a project in such a language, at the top or not far below, whose code lies here too."""
    for folder in sorted(tree.folders):
        if depth(folder) <= 2 and not is_noise(folder) and not is_side(folder):
            for name in tree.names(folder):
                if any(tree.suffixes[ending] for ending in _MANIFESTS.get(name, ())):
                    place = "" if folder == "." else f"{folder}/"
                    return f"{place}{name} describes a project in a language that is not known here"
    return None


def only_backing(tree: Tree, parts: tuple[Part, ...]) -> str | None:
    """Why a compose file that builds no program is not the project: it runs what the code beside it needs."""
    services = parts[0].folder.compose
    if any(map(is_dockerfile, parts[0].folder.names)) or any(one.context and not one.backing for one in services):
        return None
    if foreign := foreign_project(tree):
        return foreign
    code = sum(
        ending(name) in CODE
        for folder in tree.folders
        if not is_noise(folder) and not is_side(folder)
        for name in tree.names(folder)
    )
    if code >= _FEW and services and all(service.backing for service in services):
        return "the compose file only runs what the code beside it needs"
    return None
