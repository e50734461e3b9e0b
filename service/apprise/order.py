"""What the process with the library is told, and what it answers: one JSON text each."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as `service/notifications/targets/apprise.py` composes it."""

    title: str
    body: str
    type: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what; without a `message`, only whether one would go.

    `ports` are the only ones at public addresses, over TLS; None where all is allowed.
    """

    url: str
    ports: list[int] | None
    seconds: float
    message: Message | None

    def __repr__(self) -> str:
        return "Order()"


class Answer(msgspec.Struct, frozen=True):
    """None where it was delivered, or would be."""

    error: Annotated[str, msgspec.Meta(max_length=400)] | None
