"""An answer's head waits for its body, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from service.web.joined import Joined

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Taking:
    """A transport that keeps what is written, write by write."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, piece: bytes) -> None:
        self.written.append(piece)

    def close(self) -> None:
        self.closed_after = len(self.written)


def head_then_body(joined: Joined) -> None:
    joined.write(HEAD)
    joined.write(b"ok")


def head_alone(joined: Joined) -> None:
    joined.write(HEAD)


def two_answers(joined: Joined) -> None:
    head_then_body(joined)
    head_then_body(joined)


def a_stream(joined: Joined) -> None:
    joined.write(STREAM)
    joined.write(b"2\r\nok\r\n")


def head_and_close(joined: Joined) -> None:
    joined.write(HEAD)
    joined.close()


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        (head_then_body, [HEAD + b"ok"]),
        (head_alone, [HEAD]),
        (two_answers, [HEAD + b"ok", HEAD + b"ok"]),
        (a_stream, [STREAM, b"2\r\nok\r\n"]),
        (head_and_close, [HEAD]),
    ],
)
async def test_what_is_written(answer: Callable[[Joined], None], written: list[bytes]) -> None:
    transport: Any = Taking()

    answer(Joined(transport, asyncio.get_running_loop()))
    await asyncio.sleep(0)

    assert transport.written == written
    assert transport.closed_after in (None, len(written))


async def test_a_head_waits_for_its_body_no_longer_than_until_the_loop_goes_on() -> None:
    transport: Any = Taking()
    joined = Joined(transport, asyncio.get_running_loop())

    joined.write(HEAD)
    before = list(transport.written)
    await asyncio.sleep(0)
    joined.write(b"ok")

    assert (before, transport.written) == ([], [HEAD, b"ok"])
