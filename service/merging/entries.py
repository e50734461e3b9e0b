"""The entries of a mapping or a list, with the lines that each takes, and what makes two of them the same."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from service.merging.tree import Document, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`key` is the same in all three texts for what is the same thing. `start` is where its key or dash stands, `end`
    behind its last line, `lead` where the comments above it begin. What of it can be replaced begins at `slot`.
    `inline` says that something stands before it in its line: the dash of an item around it.
    """

    key: Hashable
    name: str
    node: Node
    start: int
    slot: int
    end: int
    lead: int
    column: int
    inline: bool


def entries(doc: Document, node: Node, after: int) -> list[Entry]:
    """`after` is where the comments of the first one may begin."""
    found: list[Entry] = []
    named = _named(doc, node)
    for key, name, start, slot, value in named:
        line = doc.line_start(start)
        inline = bool(doc.text[line:start].strip())
        end = doc.line_end(max(value.end - 1, slot - 1, start))
        lead = found[-1].end if found else min(after, line)
        column = doc.column(value.start if node.items is not None else start)
        found.append(
            Entry(
                key=key,
                name=name,
                node=value,
                start=start,
                slot=slot,
                end=end,
                lead=line if inline else lead,
                column=column,
                inline=inline,
            )
        )
    return found


def _named(doc: Document, node: Node) -> list[tuple[Hashable, str, int, int, Node]]:
    if node.pairs is not None:
        return [(key.meaning, str((key.value or ("", "…"))[1]), key.start, key.end, value) for key, value in node.pairs]
    counted: dict[Hashable, int] = {}
    named: list[tuple[Hashable, str, int, int, Node]] = []
    for item in node.items or ():
        key, name = _identity(item)
        counted[key] = counted.get(key, 0) + 1
        dash = doc.text.rfind("-", 0, max(item.start, 1))
        named.append(((key, counted[key]), name, dash, item.start, item))
    return named


def _identity(item: Node) -> tuple[Hashable, str]:
    """A step is the same under its name, a script under its anchor, whatever it does by now."""
    if item.anchor:
        return ("&", item.anchor), item.anchor
    if item.pairs is None:
        return item.meaning, "item"
    said = dict(_scalars(item))
    if len(item.pairs) == 1:
        word, inner = item.pairs[0][0].value, item.pairs[0][1]
        name = dict(_scalars(inner)).get("name", "") if inner.pairs is not None else ""
        return ("1", word, name), f"{word[1] if word else ''} {name}".strip()
    return ("n", said.get("name")), said.get("name", "item")


def _scalars(node: Node) -> list[tuple[str, str]]:
    pairs = node.pairs or ()
    return [(key.value[1], value.value[1]) for key, value in pairs if _plain(key) and _plain(value)]


def _plain(node: Node) -> bool:
    return node.items is None and node.pairs is None and isinstance(node.value, tuple)


def only_values(node: Node) -> bool:
    """Whether a list holds nothing but values: the commands of a script."""
    parts = node.items or ()
    return all(part.items is None and part.pairs is None and part.anchor is None for part in parts)
