"""An entry of the log as the bytes that a subscriber gets, made once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sse_starlette.event import ServerSentEvent

from service.store.log import Entry

# Entries about who may see what: for the feed, not for subscribers.
RIGHTS = "rights."


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry, encoded. `body` is empty for an entry that subscribers do not get."""

    cursor: int
    body: bytes
    repository_id: int | None
    pipeline_id: int | None
    changes_rights: bool


@dataclass(frozen=True)
class Batch:
    """Encoded events in one piece."""

    body: bytes

    @cached_property
    def chunk(self) -> bytes:
        """The same within HTTP/1.1's chunked framing (RFC 9112, 7.1). Not for nothing: that ends the response."""
        return b"%x\r\n%b\r\n" % (len(self.body), self.body)


def encode(event: str, payload: str, *, cursor: int | None = None, retry: int | None = None) -> bytes:
    """One Server-Sent Event. A line break in any part cannot end it: the encoder strips or splits there."""
    name = None if cursor is None else str(cursor)
    return ServerSentEvent(payload, event=event, id=name, retry=retry, sep="\n").encode()


def frame_of(entry: Entry) -> Frame:
    rights = entry.kind.startswith(RIGHTS)
    body = b"" if rights else encode(entry.kind, entry.payload, cursor=entry.cursor)
    return Frame(entry.cursor, body, entry.repository_id, entry.pipeline_id, rights)
