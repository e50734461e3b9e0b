"""HTTP/1.1 as bytes on a socket: for requests that no decent client would send."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """`closed` says that the server ended the connection after it."""

    status: int
    head: bytes
    body: bytes
    closed: bool


def request(url: str, headers: Mapping[str, str], *, method: str = "POST") -> bytes:
    """The head of a request, with the empty line that ends it."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def exchange(url: str, pieces: Iterable[bytes], *, seconds: float = 15) -> Answer:
    """Sends the pieces until the server answers, whether it has read them or not."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    sending = asyncio.create_task(_send(writer, pieces))
    try:
        async with asyncio.timeout(seconds):
            return await _answer(reader)
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        writer.close()


async def _send(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        try:
            writer.write(piece)
            await writer.drain()
        except ConnectionError:
            return


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    try:
        async with asyncio.timeout(0.5):
            closed = await reader.read(1) == b""
    except TimeoutError:
        closed = False
    except ConnectionError:
        closed = True
    return Answer(status, head, body, closed)
