"""Reads nginx configuration text back into a tree, as nginx splits it into words."""

from __future__ import annotations

from collections.abc import Iterator

from service.configs.nginx.tree import Directive

_PUNCTUATION = ";{}"


class Unreadable(ValueError):
    """Text that nginx would not accept either."""


def read(text: str) -> tuple[Directive, ...]:
    """The directives of a configuration file, comments left out. Raises Unreadable."""
    return _directives(_words(text), nested=False)


def _directives(words: Iterator[tuple[str, bool]], *, nested: bool) -> tuple[Directive, ...]:
    found: list[Directive] = []
    line: list[str] = []
    for word, quoted in words:
        if quoted or word not in _PUNCTUATION:
            line.append(word if word or line else "''")
        elif word == "}":
            if line or not nested:
                raise Unreadable("a block is closed where none can end")
            return tuple(found)
        elif not line:
            raise Unreadable(f"{word} where a directive should begin")
        else:
            inside = _directives(words, nested=True) if word == "{" else None
            found.append(Directive(line[0], tuple(line[1:]), inside))
            line = []
    if nested or line:
        raise Unreadable("the text ends inside a directive or a block")
    return tuple(found)


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each word with whether it was quoted; punctuation comes as words of its own."""
    position, size = 0, len(text)
    while position < size:
        character = text[position]
        if character.isspace():
            position += 1
        elif character == "#":
            position = _end_of_line(text, position)
        elif character in _PUNCTUATION:
            yield character, False
            position += 1
        elif character in "\"'":
            end = text.find(character, position + 1)
            if end < 0:
                raise Unreadable("a quote is never closed")
            yield text[position + 1 : end], True
            position = end + 1
        else:
            start = position
            while position < size and not text[position].isspace() and text[position] not in _PUNCTUATION:
                position += 1
            yield text[start:position], False


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
