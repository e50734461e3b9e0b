"""Places in a stranger's JSON: every look gives a value of the expected kind, or None, or a reason in words.

Nothing here trusts a shape. What a caller can do without is asked for with a method that answers None; what it cannot
do without, with one that raises `Unexpected`, whose message names the path and what stood there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

NAME_LIMIT = 255
PROSE_LIMIT = 2_000

# PostgreSQL refuses NUL in text, and a control character in a name has no good use anywhere.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
CONTROLS_BUT_LAYOUT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

HASH = re.compile(r"[0-9a-fA-F]{7,40}")
UUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
FULL_NAME = re.compile(r"[^/\s]+/[^/\s]+")
DIGITS = re.compile(r"[0-9]{1,10}")
LARGEST_NUMBER = 2**31 - 1  # what an INTEGER column holds


class Unexpected(ValueError):
    """A field is not what Bitbucket documents; the message is the reason of an `Unreadable` event."""


@dataclass(slots=True)
class Node:
    """A value and the path that leads to it. What is missing is None, as Bitbucket's null is."""

    value: object
    path: str = ""

    def at(self, *keys: str) -> Node:
        value, path = self.value, self.path
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
            path = f"{path}.{key}" if path else key
        return Node(value, path)

    def required_object(self) -> Node:
        """Itself. Raises Unexpected if it is not an object."""
        if not isinstance(self.value, dict):
            raise self.unexpected("an object")
        return self

    def items(self) -> list[Node]:
        """The nodes of a list. Raises Unexpected for anything else."""
        if not isinstance(self.value, list):
            raise self.unexpected("a list")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def keys(self) -> tuple[str, ...]:
        return tuple(name(key) for key in self.value) if isinstance(self.value, dict) else ()

    def text(self) -> str | None:
        """One line of at most 255 characters, or None where there is no text."""
        return name(self.value) if isinstance(self.value, str) and self.value else None

    def prose(self) -> str:
        """Several lines of at most 2,000 characters, empty where there are none."""
        return CONTROLS_BUT_LAYOUT.sub(REPLACEMENT, self.value[:PROSE_LIMIT]) if isinstance(self.value, str) else ""

    def flag(self) -> bool:
        return self.value is True

    def uuid(self) -> str | None:
        """A uuid in braces and lower case, or None where there is none."""
        match = UUID.fullmatch(self.value) if isinstance(self.value, str) else None
        return f"{{{match[1].lower()}}}" if match else None

    def full_name(self) -> str | None:
        """A repository's `workspace/slug`, or None where that does not stand here."""
        text = self.text()
        return text if text and FULL_NAME.fullmatch(text) else None

    def hash(self) -> str | None:
        """A commit's hash in lower case, or None where there is none."""
        return self.value.lower() if isinstance(self.value, str) and HASH.fullmatch(self.value) else None

    def required_hash(self) -> str:
        """Raises Unexpected where no hash stands."""
        found = self.hash()
        if found is None:
            raise self.unexpected("a commit's hash")
        return found

    def number(self) -> int | None:
        """A required number where one stands, None where nothing does."""
        return None if self.value is None else self.required_number()

    def required_number(self) -> int:
        """A count from 1 to 2^31 - 1, as a number or in digits. Raises Unexpected for anything else."""
        value = self.value
        if isinstance(value, str) and DIGITS.fullmatch(value):
            value = int(value)
        if type(value) is int and 1 <= value <= LARGEST_NUMBER:
            return value
        raise self.unexpected(f"a number from 1 to {LARGEST_NUMBER}")

    def time(self) -> datetime | None:
        """A time in UTC from ISO 8601, or None where there is none."""
        if not isinstance(self.value, str):
            return None
        try:
            time = datetime.fromisoformat(self.value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):  # the second for year 1 or 9999 and an offset
            return None

    def unexpected(self, wanted: str) -> Unexpected:
        return Unexpected(f"{self.path or 'the body'} is {_described(self.value)}, not {wanted}")


def name(text: str) -> str:
    """`text` as one line of at most 255 characters that every database takes."""
    return CONTROLS.sub(REPLACEMENT, text[:NAME_LIMIT])


def _described(value: object) -> str:
    """What stood there, never at length: a container may be nested too deeply to print, a number too long."""
    match value:
        case None:
            return "missing or null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{name(value[:40])}"'
        case int() | float():
            return str(value) if abs(value) < 10**15 else "a very large number"
        case list():
            return "a list"
        case _:
            return "an object"
