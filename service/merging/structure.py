"""Merges a YAML text by its structure: what Penstock decided anew is written into the text that is there.

Nothing of that text is written out again but what changes: its comments, its order, its quotes and its indentation
stay as they are, byte for byte. What comes out is read back and compared with what it should say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Set
from typing import Any

from service.merging.conflict import Conflict, shown
from service.merging.draft import Draft, lines_of
from service.merging.entries import Entry, entries, only_values
from service.merging.lines import merge_lines, regions
from service.merging.tree import Document, Node, NotMergeable, parse

# How often it is tried once more with an anchor kept that a person's lines refer to.
TRIES = 8


def merge_yaml(path: str, base: str | None, ours: str, theirs: str) -> tuple[str, list[Conflict]]:
    """Raises NotMergeable where that cannot be done, or would not say what it should."""
    documents = (parse(base) if base is not None else None, parse(ours), parse(theirs))
    kept: set[str] = set()
    for _ in range(TRIES):
        meeting = Meeting(path, *documents, kept)
        meaning = meeting.all()
        text = meeting.text()
        result = parse(text)
        anchors, unknown = result.aliases()
        if not unknown:
            if (result.root.meaning if result.root else None) != meaning:
                raise NotMergeable("what Penstock would change cannot be written into it safely")
            return text, meeting.conflicts
        if unknown <= kept or not unknown - anchors <= documents[1].aliases()[0]:
            break
        kept |= unknown
    raise NotMergeable("it refers to an anchor that is not there")


class Meeting:
    """One merge: changes to the text of `ours` are collected, then made."""

    def __init__(
        self, path: str, base: Document | None, ours: Document, theirs: Document, kept: Set[str] = frozenset()
    ) -> None:
        self.conflicts: list[Conflict] = []
        self._path = path
        self._base, self._ours, self._theirs = base, ours, theirs
        self._kept = kept
        self._draft = Draft(base, ours, theirs)

    def all(self) -> Any:
        """What the whole text says afterwards."""
        base, ours, theirs = (doc.root if doc else None for doc in (self._base, self._ours, self._theirs))
        if ours is None or theirs is None or not (ours.is_map and theirs.is_map):
            raise NotMergeable("it is no mapping")
        return self._map(
            base if base and base.is_map else None, ours, theirs, (), (self._ours.begin, self._theirs.begin)
        )

    def text(self) -> str:
        """With all changes."""
        return self._draft.text()

    # -- what becomes of one thing that is there on both sides ---------------------------------------------------------

    def _meet(self, base: Node | None, ours: Entry, theirs: Entry, way: tuple[str, ...]) -> Any:
        mine, new = ours.node, theirs.node
        afters = (self._ours.line_end(ours.slot), self._theirs.line_end(theirs.slot))
        same = new.meaning == mine.meaning or (base is not None and new.meaning == base.meaning)
        if same and not (base is not None and mine.is_map and new.is_map and base.is_map):
            return mine.meaning
        if mine.is_map and new.is_map and mine.anchor == new.anchor:
            known = base if base is not None and base.is_map else None
            return self._map(known, mine, new, way, afters)
        if mine.is_list and new.is_list and mine.anchor == new.anchor and base is not None and base.is_list:
            return self._list(base, ours, theirs, way, afters)
        if base is not None and base.meaning == mine.meaning and not self._draft.commented(ours, theirs):
            self._draft.replace(ours, theirs)
            return new.meaning
        if base is not None and (both := self._both(base, ours, new)) is not None:
            return both
        self._disagree(way, "changed on both sides: yours stays", ours, theirs)
        return mine.meaning

    def _both(self, base: Node, entry: Entry, new: Node) -> Any:
        """A script that was changed on both sides, in different lines of it."""
        mine = entry.node
        if not (mine.style == new.style == base.style == "|" and mine.anchor == new.anchor):
            return None
        merged, against = merge_lines(base.value[1], mine.value[1], new.value[1])
        if against or not merged.endswith("\n") or merged.endswith("\n\n") or merged[:1] in (" ", "\n"):
            return None
        self._draft.rewrite(mine, merged[:-1].split("\n"))
        return ("scalar", mine.anchor, (mine.value[0], merged))

    def _map(self, base: Node | None, ours: Node, theirs: Node, way: tuple[str, ...], afters: tuple[int, int]) -> Any:
        known = {key.meaning: value for key, value in (base.pairs or ())} if base else {}
        mine = entries(self._ours, ours, afters[0])
        new = entries(self._theirs, theirs, afters[1])
        leads = self._draft.leads(base)
        theirs_by_key = {entry.key: entry for entry in new}
        said = {}
        for entry in mine:
            there = theirs_by_key.get(entry.key)
            if there is not None:
                self._draft.lead(leads.get(entry.key), entry, there)
                said[entry.key] = self._meet(known.get(entry.key), entry, there, (*way, entry.name))
            elif not self._gone(known.get(entry.key), entry, leads.get(entry.key), way):
                said[entry.key] = entry.node.meaning
        added = self._added(known, mine, new, way)
        for _, entry in added:
            said[entry.key] = entry.node.meaning
        self._draft.insert(mine, added)
        return (*ours.meaning[:3], frozenset(said.items()))

    def _list(self, base: Node, ours: Entry, theirs: Entry, way: tuple[str, ...], afters: tuple[int, int]) -> Any:
        old = entries(self._base, base, 0) if self._base else []
        mine = entries(self._ours, ours.node, afters[0])
        new = entries(self._theirs, theirs.node, afters[1])
        if only_values(base) and only_values(ours.node) and only_values(theirs.node):
            return (*ours.node.meaning[:3], self._values(old, mine, new, way))
        if _order(old, new) != _order(new, old):
            if base.meaning == ours.node.meaning and not self._draft.commented(ours, theirs):
                self._draft.replace(ours, theirs)
                return theirs.node.meaning
            self._disagree(way, "put into another order, and changed by you: yours stays", ours, theirs)
            return ours.node.meaning
        known = {entry.key: entry.node for entry in old}
        theirs_by_key = {entry.key: entry for entry in new}
        said: list[list[Any]] = [[]]
        for entry in mine:
            there = theirs_by_key.get(entry.key)
            if there is not None:
                said.append([self._meet(known.get(entry.key), entry, there, (*way, entry.name))])
            else:
                gone = self._gone(known.get(entry.key), entry, None, way)
                said.append([] if gone else [entry.node.meaning])
        added = self._added(known, mine, new, way)
        for place, entry in added:
            said[place + 1].append(entry.node.meaning)
        self._draft.insert(mine, added)
        return (*ours.node.meaning[:3], tuple(one for some in said for one in some))

    def _values(self, old: Sequence[Entry], mine: Sequence[Entry], new: Sequence[Entry], way: tuple[str, ...]) -> Any:
        """The commands of a script: those that only one side touched are merged, in their order."""
        said: list[Any] = []
        done = at = 0
        for region in regions(*([entry.node.meaning for entry in some] for some in (old, mine, new))):
            here, there = mine[done : done + len(region.ours)], new[at : at + len(region.theirs)]
            done, at = done + len(here), at + len(there)
            lost = any(self._draft.commented(entry) for entry in here[len(there) :])
            stays = region.merged is None or (lost and region.merged != region.ours)
            if stays:
                self._disagree_about(way, "changed on both sides: yours stays", here, there)
            if stays or region.merged == region.ours:
                said += region.ours
                continue
            said += region.theirs
            for entry, other in zip(here, there, strict=False):
                self._draft.replace(entry, other)
            for entry in here[len(there) :]:
                self._draft.remove(entry, None)
            self._draft.insert(mine, [(done - 1, entry) for entry in there[len(here) :]])
        return tuple(said)

    # -- what is on one side only ---------------------------------------------------------------------------------

    def _gone(self, base: Node | None, entry: Entry, lead: str | None, way: tuple[str, ...]) -> bool:
        """Whether it goes, being no longer generated. A person's own stays, and so does what a person has edited."""
        if base is None:
            return False
        if base.meaning != entry.node.meaning or self._draft.commented(entry):
            self._disagree((*way, entry.name), "no longer generated, and changed by you: yours stays", entry, None)
            return False
        if entry.inline or _anchors(entry.node) & self._kept:
            self._disagree((*way, entry.name), "no longer generated, but lines of yours need it: it stays", entry, None)
            return False
        self._draft.remove(entry, lead)
        return True

    def _added(
        self, known: dict[Hashable, Node], mine: Sequence[Entry], new: Sequence[Entry], way: tuple[str, ...]
    ) -> list[tuple[int, Entry]]:
        """(behind which of ours, the entry): what is generated now and was not; not what a person has taken away."""
        places = {entry.key: place for place, entry in enumerate(mine)}
        first = next((places[entry.key] for entry in new if entry.key in places), len(mine))
        added, place = [], first - 1
        for entry in new:
            if entry.key in places:
                place = places[entry.key]
            elif entry.key not in known:
                added.append((place, entry))
            elif known[entry.key].meaning != entry.node.meaning:
                why = "generated differently now, and taken away by you: it stays away"
                self._disagree((*way, entry.name), why, None, entry)
        return added

    def _disagree(self, way: tuple[str, ...], why: str, ours: Entry | None, theirs: Entry | None) -> None:
        self._disagree_about(way, why, [ours] if ours else [], [theirs] if theirs else [])

    def _disagree_about(self, way: tuple[str, ...], why: str, ours: Sequence[Entry], theirs: Sequence[Entry]) -> None:
        yours = lines_of(self._ours, ours) if ours else None
        new = lines_of(self._theirs, theirs) if theirs else None
        self.conflicts.append(Conflict(self._path, " › ".join(way), why, shown(yours), shown(new)))


def _order(some: Sequence[Entry], others: Sequence[Entry]) -> list[Hashable]:
    shared = {entry.key for entry in others}
    return [entry.key for entry in some if entry.key in shared]


def _anchors(node: Node) -> set[str]:
    found = {node.anchor} if node.anchor else set()
    for part in (*(node.items or ()), *(one for pair in node.pairs or () for one in pair)):
        found |= _anchors(part)
    return found
