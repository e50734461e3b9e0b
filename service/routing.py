"""Which handler answers which event: explicit, ordered, one handler per kind of event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

Record = TypeVar("Record")
Answer = TypeVar("Answer")


class Router(Generic[Record, Answer]):
    """A table from kinds of events to handlers: `@router.on(BranchPushed)` above a function is when it runs.

    Routers merge by hand, `Router(push.router, status.router)`: nothing is scanned, nothing is imported for effect.
    Two handlers for one kind are an error at import, since which verdict the ref would get could not be said.
    """

    def __init__(self, *others: Router[Record, Answer]) -> None:
        self._handlers: dict[type, Callable[[Any, Record], Awaitable[Answer]]] = {}
        for other in others:
            for kind, handler in other._handlers.items():
                self._add(kind, handler)

    def on(
        self, *kinds: type
    ) -> Callable[[Callable[[Any, Record], Awaitable[Answer]]], Callable[[Any, Record], Awaitable[Answer]]]:
        def register(handler: Callable[[Any, Record], Awaitable[Answer]]) -> Callable[[Any, Record], Awaitable[Answer]]:
            for kind in kinds:
                self._add(kind, handler)
            return handler

        return register

    async def dispatch(self, event: object, record: Record) -> Answer:
        """Raises KeyError for a kind that has no handler: tests/test_handlers.py sees that none is left out."""
        return await self._handlers[type(event)](event, record)

    @property
    def kinds(self) -> frozenset[type]:
        return frozenset(self._handlers)

    def _add(self, kind: type, handler: Callable[[Any, Record], Awaitable[Answer]]) -> None:
        if kind in self._handlers:
            raise ValueError(f"{kind.__name__} has two handlers: {self._handlers[kind].__name__}, {handler.__name__}")
        self._handlers[kind] = handler
