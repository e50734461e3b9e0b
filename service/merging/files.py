"""One file of three: how it is merged depends on what it is."""

from __future__ import annotations

from dataclasses import dataclass

from service.merging.conflict import Conflict, shown
from service.merging.lines import Region, merge_lines
from service.merging.structure import merge_yaml
from service.merging.tree import NotMergeable

__all__ = ["Conflict", "Merged", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the repository is to have, None for no such file, and what a person has to look at."""

    content: bytes | None
    conflicts: tuple[Conflict, ...] = ()


def merge(path: str, base: str | None, ours: bytes | None, theirs: str | None) -> Merged:
    """`base` is what Penstock last brought, `ours` what is in the repository, `theirs` what to bring. None: no file."""
    if ours is None:
        return _missing(path, base, theirs)
    if theirs is None:
        if base is None or ours == base.encode():
            return Merged(None if base is not None else ours)
        why = "Penstock no longer writes this file, and you have changed it: it stays"
        return Merged(ours, (Conflict(path, "", why),))
    if theirs == base or ours == theirs.encode():
        return Merged(ours)
    if base is not None and ours == base.encode():
        return Merged(theirs.encode())
    try:
        return _texts(path, base, _decoded(ours), theirs)
    except NotMergeable as reason:
        why = f"the file stays as it is: {reason}"
        return Merged(ours, (Conflict(path, "", why, None, shown(theirs)),))


def _missing(path: str, base: str | None, theirs: str | None) -> Merged:
    if theirs is None or base is None:
        return Merged(None if theirs is None else theirs.encode())
    if theirs == base:
        return Merged(None)
    why = "you have taken the file away, and Penstock would change it: it stays away"
    return Merged(None, (Conflict(path, "", why, None, shown(theirs)),))


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NotMergeable("it is no UTF-8 text") from None


def _texts(path: str, base: str | None, ours: str, theirs: str) -> Merged:
    """Line ends stay those of the file that is there."""
    windows = "\r\n" in ours
    text = ours.replace("\r\n", "\n") if windows else ours
    if path.endswith((".yml", ".yaml")):
        merged, conflicts = merge_yaml(path, base, text, theirs)
    elif base is None:
        why = "there is a file of yours with this name already: it stays"
        return Merged(ours.encode(), (Conflict(path, "", why, None, shown(theirs)),))
    else:
        merged, against = merge_lines(base, text, theirs)
        conflicts = [_told(path, region) for region in against]
    return Merged((merged.replace("\n", "\r\n") if windows else merged).encode(), tuple(conflicts))


def _told(path: str, region: Region[str]) -> Conflict:
    yours, new = "".join(region.ours).rstrip("\n"), "".join(region.theirs).rstrip("\n")
    return Conflict(path, "", "changed on both sides: yours stays", shown(yours), shown(new))
