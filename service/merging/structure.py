"""Merges a YAML text by its structure: what Penstock decided anew is written into the text that is there.

Nothing of that text is written out again but what changes: its comments, its order, its quotes and its indentation
stay as they are, byte for byte. What comes out is read back and compared with what it should say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Set
from typing import Any

from service.merging.conflict import Conflict, shown
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
        self._edits: list[tuple[int, int, str]] = []

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
        parts, at = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: (edit[0], edit[1] > edit[0])):
            if start < at:
                raise NotMergeable("two changes meet in one place")
            parts += [self._ours.text[at:start], new]
            at = end
        return "".join([*parts, self._ours.text[at:]])

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
        if base is not None and base.meaning == mine.meaning and not self._commented(ours, theirs):
            self._replace(ours, theirs)
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
        lines = self._ours.text[mine.start : mine.end].split("\n")
        first = next((line for line in lines[1:] if line.strip()), "")
        if against or not merged.endswith("\n") or merged.endswith("\n\n") or merged[:1] in (" ", "\n"):
            return None
        indent = first[: len(first) - len(first.lstrip())]
        written = [indent + line if line else "" for line in merged[:-1].split("\n")]
        self._edits.append((mine.start, mine.end, "\n".join([lines[0], *written])))
        return ("scalar", mine.anchor, (mine.value[0], merged))

    def _map(self, base: Node | None, ours: Node, theirs: Node, way: tuple[str, ...], afters: tuple[int, int]) -> Any:
        known = {key.meaning: value for key, value in (base.pairs or ())} if base else {}
        mine = entries(self._ours, ours, afters[0])
        new = entries(self._theirs, theirs, afters[1])
        leads = self._leads(base)
        theirs_by_key = {entry.key: entry for entry in new}
        said = {}
        for entry in mine:
            there = theirs_by_key.get(entry.key)
            if there is not None:
                self._lead(leads.get(entry.key), entry, there)
                said[entry.key] = self._meet(known.get(entry.key), entry, there, (*way, entry.name))
            elif not self._gone(known.get(entry.key), entry, leads.get(entry.key), way):
                said[entry.key] = entry.node.meaning
        added = self._added(known, mine, new, way)
        for _, entry in added:
            said[entry.key] = entry.node.meaning
        self._insert(mine, added)
        return (*ours.meaning[:3], frozenset(said.items()))

    def _list(self, base: Node, ours: Entry, theirs: Entry, way: tuple[str, ...], afters: tuple[int, int]) -> Any:
        old = entries(self._base, base, 0) if self._base else []
        mine = entries(self._ours, ours.node, afters[0])
        new = entries(self._theirs, theirs.node, afters[1])
        if only_values(base) and only_values(ours.node) and only_values(theirs.node):
            return (*ours.node.meaning[:3], self._values(old, mine, new, way))
        if _order(old, new) != _order(new, old):
            if base.meaning == ours.node.meaning and not self._commented(ours, theirs):
                self._replace(ours, theirs)
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
        self._insert(mine, added)
        return (*ours.node.meaning[:3], tuple(one for some in said for one in some))

    def _values(self, old: Sequence[Entry], mine: Sequence[Entry], new: Sequence[Entry], way: tuple[str, ...]) -> Any:
        """The commands of a script: those that only one side touched are merged, in their order."""
        said: list[Any] = []
        done = at = 0
        for region in regions(*([entry.node.meaning for entry in some] for some in (old, mine, new))):
            here, there = mine[done : done + len(region.ours)], new[at : at + len(region.theirs)]
            done, at = done + len(here), at + len(there)
            lost = any(self._commented(entry) for entry in here[len(there) :])
            stays = region.merged is None or (lost and region.merged != region.ours)
            if stays:
                self._disagree_about(way, "changed on both sides: yours stays", here, there)
            if stays or region.merged == region.ours:
                said += region.ours
                continue
            said += region.theirs
            for entry, other in zip(here, there, strict=False):
                self._replace(entry, other)
            for entry in here[len(there) :]:
                self._edits.append((self._ours.line_start(entry.start), entry.end, ""))
            self._insert(mine, [(done - 1, entry) for entry in there[len(here) :]])
        return tuple(said)

    # -- what is on one side only ---------------------------------------------------------------------------------

    def _gone(self, base: Node | None, entry: Entry, lead: str | None, way: tuple[str, ...]) -> bool:
        """Whether it goes, being no longer generated. A person's own stays, and so does what a person has edited."""
        if base is None:
            return False
        if base.meaning != entry.node.meaning or self._commented(entry):
            self._disagree((*way, entry.name), "no longer generated, and changed by you: yours stays", entry, None)
            return False
        if entry.inline or _anchors(entry.node) & self._kept:
            self._disagree((*way, entry.name), "no longer generated, but lines of yours need it: it stays", entry, None)
            return False
        start = self._ours.line_start(entry.start)
        above = self._ours.text[entry.lead : start]
        self._edits.append((entry.lead if above == lead else start, entry.end, ""))
        return True

    def _commented(self, ours: Entry, theirs: Entry | None = None) -> bool:
        """Whether lines that would go, for nothing or for `theirs`, hold a comment that a person has put there."""
        if theirs is not None and _value_alone(ours.node, theirs.node):
            return False  # a comment behind a value stays behind it
        mine = self._ours.text[self._ours.line_start(ours.start) : ours.end].splitlines()
        known = {line.strip() for line in self._base.text.splitlines()} if self._base else set()
        return any("#" in line and line.strip() not in known for line in mine)

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

    def _insert(self, mine: Sequence[Entry], added: Sequence[tuple[int, Entry]]) -> None:
        for place, entry in added:
            if not mine:
                raise NotMergeable("there is no place for what Penstock would add")
            behind = mine[max(place, 0)]
            if place < 0 and not behind.inline:
                at = behind.lead if behind.lead == self._ours.begin else self._ours.line_start(behind.start)
            elif place < 0 and entry.start != entry.slot and self._theirs.text[entry.start] == "-":
                raise NotMergeable("there is no place for what Penstock would add")
            else:
                at = behind.end
            text = self._text_of(entry, behind)
            if at and self._ours.text[at - 1] != "\n":
                text = "\n" + text
            self._edits.append((at, at, text))

    # -- texts ----------------------------------------------------------------------------------------------------

    def _text_of(self, entry: Entry, like: Entry) -> str:
        """The lines of an entry of theirs, its comments above it, indented like one of ours."""
        begin = entry.start if entry.inline else entry.lead
        text = self._theirs.text[begin : entry.end]
        if entry.inline:
            text = " " * self._theirs.column(entry.start) + text
        shift = self._ours.column(like.start) - self._theirs.column(entry.start)
        return _shifted("\n" + text, shift)[1:].rstrip("\n") + "\n"

    def _replace(self, ours: Entry, theirs: Entry) -> None:
        mine, new = ours.node, theirs.node
        begins = (
            (mine.start, new.start) if _value_alone(mine, new) or ours.slot == mine.start else (ours.slot, theirs.slot)
        )
        text = self._theirs.text[begins[1] : new.end]
        self._edits.append((begins[0], max(mine.end, begins[0]), _shifted(text, ours.column - theirs.column)))

    def _leads(self, base: Node | None) -> dict[Hashable, str]:
        """What stood above each entry of the base."""
        if base is None or self._base is None:
            return {}
        text = self._base.text
        found = entries(self._base, base, self._base.above(base.start))
        return {one.key: text[one.lead : self._base.line_start(one.start)] for one in found if not one.inline}

    def _lead(self, base: str | None, ours: Entry, theirs: Entry) -> None:
        """A comment of ours that nobody has touched follows."""
        if base is None or ours.inline or theirs.inline:
            return
        mine = (ours.lead, self._ours.line_start(ours.start))
        new = self._theirs.text[theirs.lead : self._theirs.line_start(theirs.start)]
        if self._ours.text[mine[0] : mine[1]] == base and new != base:
            self._edits.append((*mine, _shifted("\n" + new, ours.column - theirs.column)[1:]))

    def _disagree(self, way: tuple[str, ...], why: str, ours: Entry | None, theirs: Entry | None) -> None:
        self._disagree_about(way, why, [ours] if ours else [], [theirs] if theirs else [])

    def _disagree_about(self, way: tuple[str, ...], why: str, ours: Sequence[Entry], theirs: Sequence[Entry]) -> None:
        yours = _lines_of(self._ours, ours) if ours else None
        new = _lines_of(self._theirs, theirs) if theirs else None
        self.conflicts.append(Conflict(self._path, " › ".join(way), why, shown(yours), shown(new)))


def _value_alone(mine: Node, new: Node) -> bool:
    """Whether both are written within the lines of their keys."""
    return not (mine.is_map or mine.is_list or new.is_map or new.is_list) and mine.start < mine.end


def _lines_of(doc: Document, some: Sequence[Entry]) -> str:
    text = doc.text[doc.line_start(some[0].start) : some[-1].end]
    margin = len(text) - len(text.lstrip(" "))
    return _shifted("\n" + text, -margin)[1:].rstrip("\n")


def _order(some: Sequence[Entry], others: Sequence[Entry]) -> list[Hashable]:
    shared = {entry.key for entry in others}
    return [entry.key for entry in some if entry.key in shared]


def _anchors(node: Node) -> set[str]:
    found = {node.anchor} if node.anchor else set()
    for part in (*(node.items or ()), *(one for pair in node.pairs or () for one in pair)):
        found |= _anchors(part)
    return found


def _shifted(text: str, by: int) -> str:
    """Every line but the first, moved to the right, or as far to the left as it has spaces."""
    first, *lines = text.split("\n")
    if by >= 0:
        return "\n".join([first, *(" " * by + line if line.strip() else line for line in lines)])
    return "\n".join([first, *(line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in lines)])
