"""A log as a reader has it: put together from the events of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.both_ways.conftest import Both
from tests.web.listening import Event, Listening, listen


@dataclass
class Heard:
    """What has been read. Raises AssertionError for a gap, a repeat or an id that does not count up."""

    texts: dict[str, bytes] = field(default_factory=dict)
    last_id: int = 0
    ended: str | None = None
    errors: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.name == "log_update":
            step, offset, text = event.content["step"], event.content["offset"], event.content["text"].encode()
            assert offset == len(self.texts.get(step, b"")), f"{step} goes on at {offset}"
            assert event.id is not None
            assert event.id > self.last_id
            self.texts[step] = self.texts.get(step, b"") + text
            self.last_id = event.id
        elif event.name == "log_complete":
            assert event.content["bytes"] == self.bytes
            self.ended = event.content["status"]
        elif event.name == "log_error":
            self.errors.append(event.content["message"])
        else:
            assert event.name in ("subscribed", "log_pace", "bye"), event

    @property
    def bytes(self) -> int:
        return sum(map(len, self.texts.values()))


@asynccontextmanager
async def reading(both: Both, execution_id: int, last_event_id: object = None) -> AsyncIterator[Listening]:
    port = urlsplit(both.penstock.url).port
    assert port is not None
    path = f"/api/executions/{execution_id}/logs/stream"
    authorization = f"Bearer {both.penstock.token}"
    async with listen(port, path, authorization=authorization, last_event_id=last_event_id) as stream:
        assert stream.status == 200
        yield stream


async def read_on(both: Both, execution_id: int, heard: Heard, *, events: int | None = None) -> None:
    """Resumes where `heard` has left off, for so many pieces of text, or to the end."""
    async with reading(both, execution_id, heard.last_id) as stream:
        while (events is None or events > 0) and (event := await stream.next()) is not None:
            heard.take(event)
            if events is not None and event.name == "log_update":
                events -= 1


async def stored(both: Both, execution_id: int, step: str | None = None, **headers: str) -> bytes:
    """The text form."""
    params = {"execution_id": str(execution_id), **({"step": step} if step else {})}
    path = f"/api/pipelines/{both.pipeline_id}/logs"
    answer = await both.penstock.client.get(path, params=params, headers={"Accept": "text/plain", **headers})
    assert answer.status_code in (200, 206), answer.text
    return answer.content
