"""Who may see which entries of the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.feed.frames import Batch, Frame


@dataclass(frozen=True, slots=True)
class Audience:
    """What a subscriber may and wants to see: subscribers with equal audiences get the same bytes.

    `repositories` are the ids of those that may be seen, None for all of them and for what belongs to none.
    `pipeline_id` narrows it to what concerns one pipeline.
    """

    repositories: frozenset[int] | None
    pipeline_id: int | None = None

    def sees(self, frame: Frame) -> bool:
        if self.pipeline_id is not None and frame.pipeline_id != self.pipeline_id:
            return False
        return self.repositories is None or frame.repository_id in self.repositories

    def batch(self, frames: Iterable[Frame]) -> Batch:
        """What of these is for this audience, in one piece: empty where nothing is."""
        return Batch(b"".join([frame.body for frame in frames if self.sees(frame)]))
