"""A YAML text as it is written: every key and item with its place, so that one can be replaced and the rest stays."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.resolver import Resolver

# Of a file that people write: larger or deeper ones are nobody's pipelines file.
MOST_CHARACTERS = 256 * 1024
DEEPEST = 50


class NotMergeable(ValueError):
    """The text is no YAML, or none whose structure can be told: two documents, a key twice, too deep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`start` and `end` are where it is written. A collection in flow style is taken as a whole, like a scalar."""

    start: int
    end: int
    anchor: str | None = None
    flow: bool = False
    value: Any = None  # of a scalar (tag, text), of an alias its name
    style: str | None = None
    items: tuple[Node, ...] | None = None
    pairs: tuple[tuple[Node, Node], ...] | None = None
    meaning: Any = field(default=None, compare=False)

    @property
    def is_map(self) -> bool:
        return self.pairs is not None and not self.flow

    @property
    def is_list(self) -> bool:
        return self.items is not None and not self.flow


@dataclass(frozen=True, slots=True)
class Document:
    """`begin` is where the first entry's comments begin: behind `---` and its kind."""

    text: str
    root: Node | None
    begin: int
    _lines: tuple[int, ...]

    def line_start(self, place: int) -> int:
        return self._lines[bisect.bisect_right(self._lines, place) - 1]

    def line_end(self, place: int) -> int:
        """Behind the line's own end."""
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found + 1

    def above(self, place: int) -> int:
        """Where the comments and empty lines begin that stand right above the line."""
        start = self.line_start(place)
        while start > self.begin:
            before = self.line_start(start - 1)
            if self.text[before:start].strip() and not self.text[before:start].lstrip().startswith("#"):
                break
            start = before
        return start

    def column(self, place: int) -> int:
        return place - self.line_start(place)

    def aliases(self) -> tuple[set[str], set[str]]:
        """(the anchors, the aliases that name none before them)."""
        anchors: set[str] = set()
        unknown: set[str] = set()
        waiting = [self.root] if self.root else []
        while waiting:
            node = waiting.pop()
            if node.anchor:
                anchors.add(node.anchor)
            if node.style == "*" and node.value not in anchors:
                unknown.add(node.value)
            waiting += [part for pair in node.pairs or () for part in pair][::-1] or list(node.items or ())[::-1]
        return anchors, unknown


def parse(text: str) -> Document:
    """Raises NotMergeable."""
    if len(text) > MOST_CHARACTERS:
        raise NotMergeable(f"it has more than {MOST_CHARACTERS // 1024} KiB")
    if "\t" in text and any(line[: len(line) - len(line.lstrip())].count("\t") for line in text.splitlines()):
        raise NotMergeable("it is indented with tabs")
    try:
        events = list(_bounded(text))
    except NotMergeable:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise NotMergeable(f"it is no YAML{f', at line {mark.line + 1}' if mark else ''}") from None
    documents: list[Any] = [event for event in events if isinstance(event, yaml.DocumentStartEvent)]
    if len(documents) > 1:
        raise NotMergeable("it holds more than one document")
    root = _Builder(events, text).document()
    lines = (0, *(place + 1 for place, letter in enumerate(text) if letter == "\n"))
    begin = 0
    if documents and documents[0].explicit:
        begin = text.find("\n", documents[0].end_mark.index) + 1 or len(text)
    return Document(text, root, begin, lines)


def _bounded(text: str) -> Iterator[Any]:
    """The events of the text, ended where it gets too deep: reading on costs the square of the depth."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST + 1:
            raise _too_deep()
        yield event


def _too_deep() -> NotMergeable:
    return NotMergeable(f"it is nested more than {DEEPEST} deep")


class _Builder:
    def __init__(self, events: list[Any], text: str) -> None:
        self._events = [event for event in events if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent)]
        self._text = text
        self._at = 0
        self._resolver = Resolver()

    def document(self) -> Node | None:
        return self._node(0) if self._events else None

    def _node(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise _too_deep()
        event: Any = self._events[self._at]
        self._at += 1
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.AliasEvent):
            return Node(start=start, end=end, value=event.anchor, style="*", meaning=("alias", event.anchor))
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, start, end)
        parts = []
        while not isinstance(self._events[self._at], yaml.CollectionEndEvent):
            parts.append(self._node(depth + 1))
        closing: Any = self._events[self._at]
        self._at += 1
        flow = bool(event.flow_style)
        end = closing.end_mark.index if flow or not parts else parts[-1].end
        shared: dict[str, Any] = {"start": start, "end": end, "anchor": event.anchor, "flow": flow}
        if isinstance(event, yaml.SequenceStartEvent):
            meaning: Any = ("list", event.anchor, event.tag, tuple(part.meaning for part in parts))
            return Node(**shared, items=tuple(parts), meaning=meaning)
        pairs = tuple(zip(parts[::2], parts[1::2], strict=True))
        keys = [key.meaning for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise NotMergeable("a key is there twice")
        meaning = ("map", event.anchor, event.tag, frozenset((key.meaning, value.meaning) for key, value in pairs))
        return Node(**shared, pairs=pairs, meaning=meaning)

    def _scalar(self, event: Any, start: int, end: int) -> Node:
        tag = event.tag or self._resolver.resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, event.value, (event.style is None, True)
        )
        if event.style in ("|", ">"):  # what follows it on lines of its own is nobody's
            end = start + len(self._text[start:end].rstrip())
        said = (tag, event.value)
        meaning = ("scalar", event.anchor, said)
        return Node(start=start, end=end, anchor=event.anchor, value=said, style=event.style, meaning=meaning)
