"""The stored text of logs, in part: by offsets, by a range, in whole characters, line by line."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from service.store import logs
from service.store.database import Database
from service.store.steps import StepRow

# Bytes that are read with one connection.
AT_ONCE = 1024 * 1024

# Bytes: a longer line counts as several, so that none is ever held whole.
LONGEST_LINE = 64 * 1024

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


@dataclass(frozen=True, slots=True)
class StoredText:
    """The texts of steps, one behind the other."""

    steps: Sequence[StepRow]

    @property
    def size(self) -> int:
        return sum(step.log_bytes for step in self.steps)

    async def read(self, database: Database, begin: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `begin` to `end`, a piece at a time; each with a connection that is kept no longer."""
        before = 0
        for step in self.steps:
            low, high = max(begin - before, 0), min(end - before, step.log_bytes)
            before += step.log_bytes
            while low < high:
                until = min(high, low + AT_ONCE)
                async with database.read() as connection:
                    part = [piece async for piece in logs.text_of(connection, step.id, low, until)]
                if not part:
                    return
                for piece in part:
                    yield piece
                low += sum(map(len, part))


def one_range(text: str, size: int) -> tuple[int, int] | None:
    """One range of bytes, RFC 9110 14.1.2; None for what is to be ignored: several ranges, other units."""
    match = RANGE.match(text)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    begin = int(match[1])
    if not match[2]:
        return begin, size
    return (begin, min(int(match[2]) + 1, size)) if int(match[2]) >= begin else None


def whole_characters(raw: bytes, *, last: bool) -> tuple[str, int]:
    """(text, how many bytes it is of): a character that the limit cut in two is left for the next part."""
    if not last:
        for back in range(1, min(4, len(raw)) + 1):
            if raw[-back] & 0xC0 == 0xC0:
                raw = raw[:-back] if len(raw[-back:].decode(errors="ignore")) == 0 else raw
                break
    return raw.decode(errors="replace"), len(raw)


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """(offset, line) of each line, without its end."""
    at, rest = 0, b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield at, line
            at += len(line) + 1
        if len(rest) > LONGEST_LINE:
            yield at, rest
            at, rest = at + len(rest), b""
    if rest:
        yield at, rest
