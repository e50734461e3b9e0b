"""What a person does with a route over the API, as far as it reaches a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.client.peer import Peer, answers
from tests.living import Living, living

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Living]:
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true"}) as started:
        yield started


async def made(penstock: Living, target: dict[str, str], **more: Any) -> str:
    answer = await penstock.client.post("/api/notifications", json={"name": "the team", "target": target, **more})
    assert answer.status_code == 201, answer.text
    return f"/api/notifications/{answer.json()['id']}"


async def become(penstock: Living, route: str, status: str) -> dict[str, Any]:
    """The route's newest message, once that is what became of it."""
    for _ in range(1000):
        [newest] = (await penstock.get(f"{route}/messages", limit=1))["items"]
        if newest["status"] == status and newest["answer"]:
            return dict(newest)
        await asyncio.sleep(0.02)
    raise AssertionError(f"the message did not become {status}")


async def test_a_test_says_which_route_it_comes_by_and_who_has_asked_for_it(open_house: Living, peer: Peer) -> None:
    peer.plays(answers())
    route = await made(open_house, {"kind": "slack", "url": peer.origin})
    assert (await open_house.client.post(f"{route}/test")).status_code == 202
    await become(open_house, route, "delivered")

    text = str(msgspec.json.decode(peer.requests[0].body))
    assert "the team" in text
    assert "ada" in text
    assert "None" not in text


async def test_mail_without_a_server_for_it_is_answered_with_what_to_set(open_house: Living) -> None:
    route = await made(open_house, {"kind": "email", "address": "team@example.com"})
    answer = await open_house.client.post(f"{route}/test")

    assert answer.status_code == 409
    assert "PENSTOCK_SMTP_URL" in answer.text


async def test_what_waits_is_tried_at_once_where_a_person_changes_the_target(open_house: Living, peer: Peer) -> None:
    peer.plays(answers(b"", 503))
    route = await made(open_house, {"kind": "webhook", "url": f"{peer.origin}/wrong"})
    await open_house.client.post(f"{route}/test")
    waiting = await become(open_house, route, "waiting")
    assert waiting["error"] == "it answered 503"

    peer.plays(answers())
    await open_house.client.put(route, json={"target": {"kind": "webhook", "url": f"{peer.origin}/right"}})
    await become(open_house, route, "delivered")
    assert [one.target for one in peer.requests][-1] == "/right"


async def test_what_is_dead_is_sent_again_by_its_name_and_with_its_bytes(open_house: Living, peer: Peer) -> None:
    peer.plays(answers(b"", 410))
    route = await made(open_house, {"kind": "webhook", "url": peer.origin})
    await open_house.client.post(f"{route}/test")
    await become(open_house, route, "dead")
    shown = await open_house.get(route)
    assert (shown["paused"], shown["paused_reason"]) == (True, "it answered 410: it is gone")
    page = (await open_house.client.get("/notifications")).text
    assert "Paused by itself: it answered 410: it is gone." in page

    peer.plays(answers())
    assert (await open_house.client.post(f"{route}/send-again")).status_code == 202
    await open_house.client.put(route, json={"paused": False})
    await become(open_house, route, "delivered")
    first, second = peer.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
