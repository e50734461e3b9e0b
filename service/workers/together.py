"""Many small writes in one transaction: what a disk can do in a second are commits, not rows.

While one transaction is written, whatever is asked for meanwhile gathers for the next; nobody waits for a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from service.recorder import Record, Recorder

# Of one transaction: others wait for the writer too, deliveries among them.
MOST = 20

T = TypeVar("T")
Step = Callable[[Record], Awaitable[Any]]


class Together:
    """Of one process. What a step has written is committed when `do` returns, or undone where it raises."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: list[tuple[Step, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def do(self, step: Callable[[Record], Awaitable[T]]) -> T:
        """`step` may be called a second time, where another one of its transaction has failed: then alone."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await future

    async def close(self) -> None:
        """Undoes what is being written."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            wanted = [(step, future) for step, future in batch if not future.done()]
            try:
                await self._commit(wanted)
            except Exception:
                for one in wanted:
                    await self._alone(*one)

    async def _commit(self, wanted: list[tuple[Step, asyncio.Future[Any]]]) -> None:
        async with self._recorder.record() as record:
            results = [await step(record) for step, _ in wanted]
        for (_, future), result in zip(wanted, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _alone(self, step: Step, future: asyncio.Future[Any]) -> None:
        try:
            await self._commit([(step, future)])
        except Exception as error:
            if not future.done():
                future.set_exception(error)
