"""What the kinds claim about one directory, the one that decides first."""

from __future__ import annotations

from dataclasses import replace

from service.projects.containers import is_dockerfile
from service.projects.folder import Folder
from service.projects.kind import CERTAIN, Claim, Kind
from service.projects.kinds import KINDS
from service.projects.languages import CODE, COUNTED, ending
from service.projects.node_manager import parents
from service.projects.node_starts import builds_another
from service.projects.parts import FRONT, GENERIC, Claimed
from service.projects.tree import Tree

_IMAGES = 3  # from here on they are what a directory is about
_GENERATORS = ("hugo", "zola", "jekyll", "middleman", "pelican")  # what builds a site without Node.js


def claimed_in(tree: Tree, root: str) -> Claimed:
    """Everything that is claimed about a directory: the certain claims in the kinds' order, then the others. What only
    fills images that are made here is no project."""
    folder = Folder(tree, root)
    kinds = [kind for kind in KINDS if kind.type == "docker"] if _is_sample(folder) else KINDS
    claims = [(kind, claim) for kind in kinds if (claim := _recognise(kind, folder)) is not None]
    if tree.has("nx.json") and root.startswith("libs/"):  # where Nx keeps what its applications share
        claims = [(kind, replace(claim, library=True)) for kind, claim in claims]
    return Claimed(folder, tuple(sorted(claims, key=lambda pair: _rank(folder, pair, claims))))


def _rank(folder: Folder, pair: tuple[Kind, Claim], claims: list[tuple[Kind, Claim]]) -> bool:
    """False before True: what is certain, unless another kind claims the same place with far more of its own code
    (a go.mod for one small tool in a Python project), or serves where this one would only be shared."""
    kind, claim = pair
    if claim.confidence < CERTAIN:
        return True
    if claim.library and any(_serves_here(other, rival) for other, rival in claims if _outdoes(other, kind)):
        return True
    if kind.type == "node" and claim.framework is None and _is_surer(claims, "python", claim):
        return True  # tools of a Python project
    if kind.type == "node" and claim.framework is None and claim.confidence < 0.8 and _builds_pages(claims):
        return True  # a `main` that nothing starts
    if kind.type in ("node", "python", "ruby") and claim.framework is None and _generates(claims):
        return True  # tools of a site
    if kind.type in FRONT and kind.type != "static" and builds_another(folder):
        return True  # what is left of earlier pages
    if kind.language not in COUNTED:
        return False
    rivals = (folder.tree.files_in(other.language) for other, rival in claims if rival.confidence >= CERTAIN)
    return folder.tree.files_in(kind.language) * 5 < max(rivals)


def _is_sample(folder: Folder) -> bool:
    """Whether several images are made here or above, each of the little code that lies there as well."""
    tree = folder.tree
    for above in parents(folder.root):
        made = sum(map(is_dockerfile, tree.names(above)))
        if made >= _IMAGES and sum(ending(path) in CODE for path in tree.below(above)) < made:
            return True
    return False


def _is_surer(claims: list[tuple[Kind, Claim]], type: str, claim: Claim) -> bool:
    return any(kind.type == type and rival.confidence > claim.confidence for kind, rival in claims)


def _builds_pages(claims: list[tuple[Kind, Claim]]) -> bool:
    return any(kind.type == "static" and rival.framework and rival.confidence > 0.8 for kind, rival in claims)


def _generates(claims: list[tuple[Kind, Claim]]) -> bool:
    sites = (rival for kind, rival in claims if kind.type == "static")
    return any(rival.framework in _GENERATORS or (rival.framework and rival.confidence >= 0.9) for rival in sites)


def _outdoes(other: Kind, kind: Kind) -> bool:
    """Whether a server of the one kind makes what is shared of the other a side matter: one of the same language; any
    beside PHP, of which a few scripts are often left."""
    return other.language == kind.language or kind.type == "php"


def _serves_here(kind: Kind, claim: Claim) -> bool:
    return kind.role == "backend" and kind.type not in GENERIC and claim.confidence > 0.8 and not claim.library


def _recognise(kind: Kind, folder: Folder) -> Claim | None:
    """One kind's claim; a kind that stumbles over what it meets costs its own claim only."""
    try:
        return kind.recognise(folder)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        folder.tree.warn(f"{folder.root} could not be examined for {kind.type}: {type(error).__name__}")
        return None
