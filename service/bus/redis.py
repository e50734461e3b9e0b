"""The doorbell by PUBLISH and SUBSCRIBE on a Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from service.bus.remote import CHANNEL, Hear, Line, Lose, RemoteBus

CONNECT_SECONDS = 5.0


class RedisLine:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def say(self, text: str) -> None:
        await self._client.publish(CHANNEL, text)


async def connect(url: str, database_url: str) -> RemoteBus:
    """`url` is `redis://host:6379/0`; the database is asked for nothing."""

    @asynccontextmanager
    async def dial(hear: Hear, lose: Lose) -> AsyncIterator[Line]:
        # decode_responses: words, not bytes. No retry: dialling again rings the bells, a silent retry would not
        client = Redis.from_url(url, decode_responses=True, socket_connect_timeout=CONNECT_SECONDS, retry=None)
        async with client, client.pubsub() as ear:
            await ear.subscribe(CHANNEL)
            listening = asyncio.create_task(_listen(ear, hear, lose), name="bus-redis")
            try:
                yield RedisLine(client)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    bus = RemoteBus(dial)
    await bus.open()
    return bus


async def _listen(ear: Any, hear: Hear, lose: Lose) -> None:
    try:
        async for message in ear.listen():
            if message["type"] == "message":
                hear(message["data"])
    finally:
        lose()
