"""A part of a step's log, whichever way Bitbucket gives it.

206 is the part that was asked for; 200 the whole log, of which the part is cut; 416 says that nothing more is there;
404 that nothing was written yet; 307 that the step is over and its log lies in storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from service.client.exchange import NoReply, Reply

CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")


class LogStatus(StrEnum):
    MORE = "more"  # bytes came
    NOTHING_NEW = "nothing_new"  # the log ends at or before the offset
    NOT_YET = "not_yet"  # there is no log


@dataclass(frozen=True, slots=True)
class LogPart:
    """Bytes of the log from `offset` on. `size` is the whole log's, where it was told.

    `stored`: it comes from the storage of finished logs, and grows no more.
    """

    data: bytes = field(repr=False)
    offset: int
    status: LogStatus
    size: int | None = None
    stored: bool = False

    @property
    def complete(self) -> bool:
        """Nothing will follow this part."""
        if not self.stored or self.shrunk:
            return False
        return not self.data if self.size is None else self.offset + len(self.data) >= self.size

    @property
    def shrunk(self) -> bool:
        """The log is shorter than what was read of it: it is another one, to be read from its begin."""
        return self.size is not None and self.size < self.offset

    def behind(self, known: bytes) -> LogPart | None:
        """The part without `known`, which it was asked to begin with. None where it begins otherwise: the log is
        another one by now."""
        if self.status is not LogStatus.MORE:
            return replace(self, offset=self.offset + len(known))
        if not known.startswith(self.data[: len(known)]):
            return None
        data = self.data[len(known) :]
        status = LogStatus.MORE if data else LogStatus.NOTHING_NEW
        return replace(self, data=data, offset=self.offset + len(known), status=status)


def part_of(reply: Reply, offset: int, *, stored: bool = False) -> LogPart:
    """Raises NoReply for an answer that gives another part than was asked for."""
    match reply.status:
        case 404:
            return LogPart(b"", offset, LogStatus.NOT_YET, stored=stored)
        case 416:
            return LogPart(b"", offset, LogStatus.NOTHING_NEW, _total(reply), stored)
        case 206:
            _check_begin(reply, offset)
            size = _total(reply)
        case _:
            length = reply.headers.get("Content-Length", "")
            size = int(length) if re.fullmatch(r"\d{1,18}", length) else None
    status = LogStatus.MORE if reply.body else LogStatus.NOTHING_NEW
    return LogPart(reply.body, offset, status, size, stored)


def _check_begin(reply: Reply, offset: int) -> None:
    match = CONTENT_RANGE.fullmatch(reply.headers.get("Content-Range", ""))
    if match is None or match[1] is None or int(match[1]) != offset:
        raise NoReply("another part of the log came than was asked for")


def _total(reply: Reply) -> int | None:
    match = CONTENT_RANGE.fullmatch(reply.headers.get("Content-Range", ""))
    return int(match[3]) if match and match[3] != "*" else None
