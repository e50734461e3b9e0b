"""Directives of nginx as values, each argument checked when the value is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"[a-z_0-9]+|''", re.ASCII)
_ARGUMENT = re.compile(r"[\x20-\x7e]*", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9._:/@%+=,~^*$?!|()\\\[\]-]+", re.ASCII)

_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_PATH = r"/[A-Za-z0-9._/-]*"

# Directives that carry settings. The rest comes from the fragments in templates/nginx, which hold no setting.
_RULES = {
    "server_name": re.compile(rf"{_HOST}|_"),
    "listen": re.compile(r"(?:(?:127\.0\.0\.1|\[::\]):)?[0-9]{1,5}|ssl|http2|default_server"),
    "root": re.compile(_PATH),
    "alias": re.compile(_PATH),
    "upstream": re.compile(r"[a-z0-9_]+"),
    "proxy_pass": re.compile(r"http://(?:[a-z0-9_]+|127\.0\.0\.1:[0-9]{1,5})"),
    "ssl_certificate": re.compile(_PATH),
    "ssl_certificate_key": re.compile(_PATH),
    "return": re.compile(rf"[1-5][0-9]{{2}}|https://{_HOST}\$request_uri"),
}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: `name args;` or, with a block, `name args { … }`. Raises ValueError for a malformed argument.

    Arguments are values without quotes. Inside `map` the name is a source value.
    """

    name: str
    args: tuple[str, ...] = ()
    block: tuple[Directive, ...] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not the name of a directive: {self.name!r}")
        rule = _RULES.get(self.name, _ARGUMENT)
        for argument in self.args:
            if not rule.fullmatch(argument) or ('"' in argument):
                raise ValueError(f"{self.name} does not take {argument!r}")


def directive(name: str, *args: str) -> Directive:
    """A directive without a block."""
    return Directive(name, args)


def block(name: str, *args: str, inside: Iterable[Directive]) -> Directive:
    """A directive with a block."""
    return Directive(name, args, tuple(inside))


def write(tree: Iterable[Directive], indent: int = 0) -> str:
    """The text of a tree, four spaces a level, one line a directive, an empty line between blocks at the top."""
    pieces = [_write_one(entry, indent) for entry in tree]
    return ("\n" if indent == 0 else "").join(pieces)


def _write_one(entry: Directive, indent: int) -> str:
    margin = " " * indent
    head = margin + " ".join((entry.name, *map(_word, entry.args)))
    if entry.block is None:
        return f"{head};\n"
    return f"{head} {{\n{write_block(entry.block, indent + 4)}{margin}}}\n"


def write_block(entries: tuple[Directive, ...], indent: int) -> str:
    """The text of a block's content; nested blocks are set apart by an empty line."""
    text = ""
    for number, entry in enumerate(entries):
        if entry.block is not None and number:
            text += "\n"
        text += _write_one(entry, indent)
    return text


def _word(argument: str) -> str:
    # nginx reads a backslash inside quotes as an escape before quotes only, so a regular expression may be quoted.
    return argument if _BARE.fullmatch(argument) else f'"{argument}"'
