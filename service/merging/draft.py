"""The changes that one merge makes to the text that is there: collected, then written all at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from service.merging.entries import Entry, entries
from service.merging.tree import Document, Node, NotMergeable


class Draft:
    """`ours` is written into, `theirs` is where what is written comes from, `base` tells a person's comments."""

    def __init__(self, base: Document | None, ours: Document, theirs: Document) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._edits: list[tuple[int, int, str]] = []

    def text(self) -> str:
        """With all changes."""
        parts, at = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: (edit[0], edit[1] > edit[0])):
            if start < at:
                raise NotMergeable("two changes meet in one place")
            parts += [self._ours.text[at:start], new]
            at = end
        return "".join([*parts, self._ours.text[at:]])

    def insert(self, mine: Sequence[Entry], added: Sequence[tuple[int, Entry]]) -> None:
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

    def _text_of(self, entry: Entry, like: Entry) -> str:
        """The lines of an entry of theirs, its comments above it, indented like one of ours."""
        begin = entry.start if entry.inline else entry.lead
        text = self._theirs.text[begin : entry.end]
        if entry.inline:
            text = " " * self._theirs.column(entry.start) + text
        shift = self._ours.column(like.start) - self._theirs.column(entry.start)
        return _shifted("\n" + text, shift)[1:].rstrip("\n") + "\n"

    def replace(self, ours: Entry, theirs: Entry) -> None:
        mine, new = ours.node, theirs.node
        begins = (
            (mine.start, new.start) if value_alone(mine, new) or ours.slot == mine.start else (ours.slot, theirs.slot)
        )
        text = self._theirs.text[begins[1] : new.end]
        self._edits.append((begins[0], max(mine.end, begins[0]), _shifted(text, ours.column - theirs.column)))

    def leads(self, base: Node | None) -> dict[Hashable, str]:
        """What stood above each entry of the base."""
        if base is None or self._base is None:
            return {}
        text = self._base.text
        found = entries(self._base, base, self._base.above(base.start))
        return {one.key: text[one.lead : self._base.line_start(one.start)] for one in found if not one.inline}

    def lead(self, base: str | None, ours: Entry, theirs: Entry) -> None:
        """A comment of ours that nobody has touched follows."""
        if base is None or ours.inline or theirs.inline:
            return
        mine = (ours.lead, self._ours.line_start(ours.start))
        new = self._theirs.text[theirs.lead : self._theirs.line_start(theirs.start)]
        if self._ours.text[mine[0] : mine[1]] == base and new != base:
            self._edits.append((*mine, _shifted("\n" + new, ours.column - theirs.column)[1:]))

    def commented(self, ours: Entry, theirs: Entry | None = None) -> bool:
        """Whether lines that would go, for nothing or for `theirs`, hold a comment that a person has put there."""
        if theirs is not None and value_alone(ours.node, theirs.node):
            return False  # a comment behind a value stays behind it
        mine = self._ours.text[self._ours.line_start(ours.start) : ours.end].splitlines()
        known = {line.strip() for line in self._base.text.splitlines()} if self._base else set()
        return any("#" in line and line.strip() not in known for line in mine)

    def remove(self, entry: Entry, lead: str | None) -> None:
        """Its lines; the comments above it too, where they are `lead`."""
        start = self._ours.line_start(entry.start)
        above = self._ours.text[entry.lead : start]
        self._edits.append((entry.lead if above == lead else start, entry.end, ""))

    def rewrite(self, node: Node, lines: Sequence[str]) -> None:
        """A block of text: its first line stays, the others are these, indented as they were."""
        there = self._ours.text[node.start : node.end].split("\n")
        first = next((line for line in there[1:] if line.strip()), "")
        indent = first[: len(first) - len(first.lstrip())]
        written = [indent + line if line else "" for line in lines]
        self._edits.append((node.start, node.end, "\n".join([there[0], *written])))


def value_alone(mine: Node, new: Node) -> bool:
    """Whether both are written within the lines of their keys."""
    return not (mine.is_map or mine.is_list or new.is_map or new.is_list) and mine.start < mine.end


def lines_of(doc: Document, some: Sequence[Entry]) -> str:
    text = doc.text[doc.line_start(some[0].start) : some[-1].end]
    margin = len(text) - len(text.lstrip(" "))
    return _shifted("\n" + text, -margin)[1:].rstrip("\n")


def _shifted(text: str, by: int) -> str:
    """Every line but the first, moved to the right, or as far to the left as it has spaces."""
    first, *lines = text.split("\n")
    if by >= 0:
        return "\n".join([first, *(" " * by + line if line.strip() else line for line in lines)])
    return "\n".join([first, *(line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in lines)])
