"""What kind of project a repository holds: paths with the bytes of a few key files in, a `Detection` out.

The caller lists the paths, reads `keyfiles.wanted(paths)` and passes both to `detect`. Nothing here does I/O, nothing
that was read is run, the same input gives the same answer (but for the time it took), no input raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import perf_counter

import msgspec

from service.projects import workspaces
from service.projects.claims import claimed_in
from service.projects.composition import Composition, compose
from service.projects.folder import Folder
from service.projects.kind import CERTAIN, Claim, Kind
from service.projects.model import Alternative, Component, Detection, Evidence
from service.projects.nx import listed, nx_output
from service.projects.package import package_in
from service.projects.parts import Claimed, Part
from service.projects.places import candidates
from service.projects.tree import Tree

MAX_FOLDERS = 80
_BUILT_BY_NX = ("react", "vue", "svelte", "static", "nestjs", "express", "node")
_SHARED = tuple(field for field in Component.__struct_fields__ if field in Detection.__struct_fields__)


def detect(paths: Iterable[str], files: Mapping[str, bytes]) -> Detection:
    """Say what a repository holds. `paths` are all its files, relative with `/`; `files` the contents of key files.

    A broken file costs its own evidence and is named in `warnings`. `unknown` is an answer.
    """
    started = perf_counter()
    tree = Tree(paths, files)
    folders = dict.fromkeys((*candidates(tree), *listed(tree)))
    claimed = [claimed_in(tree, folder) for folder in list(folders)[:MAX_FOLDERS]]
    composition = compose(tree, claimed)
    answer = _answer(tree, claimed, composition)
    took = round((perf_counter() - started) * 1000, 2)
    return msgspec.structs.replace(answer, warnings=tuple(sorted(tree.warnings)), analysis_ms=took)


def _component(tree: Tree, part: Part) -> Component:
    try:
        described = part.kind.describe(part.folder)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        tree.warn(f"{part.root} could not be described as {part.kind.type}: {type(error).__name__}")
        described = Component(type=part.kind.type, language=part.kind.language)
    if part.kind.type in _BUILT_BY_NX and (built := nx_output(tree, part.root)):
        start = f"node {built}/main.js" if part.serves else described.start_command
        described = msgspec.structs.replace(described, output_dir=built, start_command=start)
    return msgspec.structs.replace(
        described,
        type=part.kind.type,
        role="library" if part.claim.library else "frontend" if part.is_front else "backend",
        root=part.root,
        confidence=part.claim.confidence,
        framework=part.claim.framework,
        install_root=described.install_root or (part.root if described.install_command else None),
        evidence=tuple(dict.fromkeys((*part.claim.evidence, *described.evidence))),
        build_command=_workspace_build(tree, part, described.build_command),
    )


def _workspace_build(tree: Tree, part: Part, command: str | None) -> str | None:
    """In a workspace of Turborepo or Nx a package is built together with the packages it depends on."""
    package = part.folder.package
    is_of_nx = tree.has("nx.json") and (part.folder.has("project.json") or part.root in listed(tree))
    if package and package.name and is_of_nx and part.root != ".":
        return part.folder.node_manager.execute(f"nx build {package.name}")
    if not command or part.root == "." or not package or not package.name or "build" not in package.scripts:
        return command
    if tree.has("turbo.json") and workspaces.members(tree, (part.root,)):
        return part.folder.node_manager.execute(f"turbo run build --filter={package.name}")
    return command


def _answer(tree: Tree, claimed: list[Claimed], composition: Composition) -> Detection:
    parts = tuple(_component(tree, part) for part in composition.parts)
    others = _alternatives(claimed, composition)
    if composition.main is not None:
        main = _component(tree, composition.main)
        shared = {field: getattr(main, field) for field in _SHARED if field != "warnings"}
        return Detection(**{**shared, "type": composition.type}, alternatives=others, components=parts)
    if composition.type == "unknown":
        return Detection(
            type="unknown",
            confidence=0.0,
            alternatives=others,
            evidence=_hints(tree, composition),
            package_manager=_manager_at_the_top(tree),
        )
    return _several(tree, composition, parts, others)


def _several(
    tree: Tree, composition: Composition, parts: tuple[Component, ...], others: tuple[Alternative, ...]
) -> Detection:
    """The answer for several parts: what they share, the front end's result, the back end's server."""
    is_stack = composition.type == "fullstack"
    front = next((part for part in parts if part.role == "frontend"), None) if is_stack else None
    back = next((part for part in parts if part.role == "backend"), None) if is_stack else None
    main = back or front or parts[0]
    managers = dict.fromkeys(part.package_manager for part in parts if part.package_manager)
    shared = main if main.root == "." else next((part for part in parts if part.root == "."), main)
    return Detection(
        type=composition.type,
        confidence=min(composition.sure_to, round(min(part.confidence for part in parts) * 0.98, 2)),
        evidence=tuple(dict.fromkeys(evidence for part in parts for evidence in part.evidence[:2])),
        alternatives=others,
        language=main.language,
        package_manager=next(iter(managers)) if len(managers) == 1 else shared.package_manager,
        runtime_version=main.runtime_version,
        version_source=main.version_source,
        output_dir=front.output_dir if front else None,
        start_command=back.start_command if back else None,
        app_object=back.app_object if back else None,
        port=back.port if back else None,
        services=tuple(sorted({service for part in parts for service in part.services})),
        components=parts,
    )


def _alternatives(claimed: list[Claimed], composition: Composition) -> tuple[Alternative, ...]:
    """Every other claim, the surest of each type, with the reason that it lost."""
    chosen = (
        {composition.type, *(part.kind.type for part in composition.parts)}
        if composition.type != "fullstack"
        else {"fullstack"}
    )
    found: dict[str, Alternative] = {}
    for entry in claimed:
        winner = entry.claims[0][0].type if entry.claims else ""
        for kind, claim in entry.claims:
            if kind.type not in chosen and (kind.type not in found or claim.confidence > found[kind.type].confidence):
                found[kind.type] = Alternative(
                    kind.type, claim.confidence, _because(entry, kind, claim, winner, composition)
                )
    return tuple(sorted(found.values(), key=lambda other: (-other.confidence, other.type)))[:6]


def _because(entry: Claimed, kind: Kind, claim: Claim, winner: str, composition: Composition) -> str:
    facts = f"{claim.evidence[0].file} says {claim.evidence[0].fact}" if claim.evidence else "traces of it"
    where = "" if entry.folder.root == "." else f" in {entry.folder.root}"
    if claim.confidence < CERTAIN:
        return f"{facts}, which is too little to go by"
    if kind.type != winner:
        return f"{facts}, but {winner} says more about what runs{where}"
    return f"{facts}; as a whole this is {composition.type}" + (
        f": {composition.because}" if composition.because else ""
    )


def _manager_at_the_top(tree: Tree) -> str | None:
    """What installs the packages of an unknown project, where a lock file or package.json says it."""
    manager = Folder(tree, ".").node_manager if package_in(tree, ".") else None
    return manager.name if manager and manager.because else None


def _hints(tree: Tree, composition: Composition) -> tuple[Evidence, ...]:
    """For an unknown project: what was looked at, so that a person sees why."""
    package = package_in(tree, ".")
    endings = ", ".join(f"{count} {ending}" for ending, count in tree.suffixes.most_common(3))
    found = [Evidence(package.path, "no framework, no server, no page")] if package else []
    if composition.doubted:
        found = [Evidence(".", composition.because)]
    return (*found, Evidence(".", f"mostly {endings}")) if endings else tuple(found)
