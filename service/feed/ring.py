"""The latest frames, kept in memory within bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import takewhile

from service.feed.frames import Frame


class Ring:
    """Everything between two cursors: after `floor`, up to the newest frame."""

    def __init__(self, floor: int, *, most_frames: int, most_bytes: int) -> None:
        self.floor = floor
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._frames: deque[Frame] = deque()
        self._bytes = 0

    def extend(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self._frames.append(frame)
            self._bytes += len(frame.body)
        while len(self._frames) > self._most_frames or self._bytes > self._most_bytes:
            oldest = self._frames.popleft()
            self._bytes -= len(oldest.body)
            self.floor = oldest.cursor

    def after(self, cursor: int, limit: int) -> list[Frame] | None:
        """The next frames after `cursor`, at most `limit`; None where some of them are no longer here."""
        if cursor < self.floor:
            return None
        newer = list(takewhile(lambda frame: frame.cursor > cursor, reversed(self._frames)))
        newer.reverse()
        return newer[:limit]
