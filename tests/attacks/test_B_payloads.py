"""Row B: what a delivery may hold, and how much of it. Nothing in a body ends a worker, fills memory, or is logged."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import logging
import random
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

import handlers
from service.bitbucket.signature import sign
from service.events import BranchPushed, Event
from service.store.tables import entries
from service.web import hooks
from service.workers import inbox, rounds
from tests.attacks.means import a_push, door, drained, fresh, knock, resident_bytes, rows
from tests.bitbucket.payloads import NAMES, content
from tests.living import Hook, Living, change, push, repository, signed, status
from tests.wire import exchange, request

pytestmark = [pytest.mark.anyio, pytest.mark.long]

MEGABYTE = 1024 * 1024

PUSH = push("main", "5c1d" * 10)


def lower(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def test_B1_ten_gigabytes_announced_are_413_before_a_byte_is_read(penstock: Living) -> None:
    hook = await fresh(penstock)
    answer = await exchange(hook.url, [request(hook.url, {"Content-Length": "10000000000"})])

    assert (answer.status, answer.closed) == (413, True)
    await penstock.assert_alive()


async def test_B2_an_endless_body_is_413_and_costs_no_memory(penstock: Living) -> None:
    hook = await fresh(penstock)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield request(hook.url, {"Transfer-Encoding": "chunked"})
        while taken < 1000:
            taken += 1
            yield chunk

    before = resident_bytes()
    answers = [await exchange(hook.url, endless()) for _ in range(3)]

    assert [(answer.status, answer.closed) for answer in answers] == [(413, True)] * 3
    assert taken < 1000
    assert resident_bytes() - before < 16 * MEGABYTE
    await penstock.assert_alive()


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x-unheard-of"])
async def test_B3_a_compressed_bomb_is_415_and_stays_compressed(penstock: Living, encoding: str) -> None:
    hook = await fresh(penstock)
    bomb = gzip.compress(b" " * 8 * MEGABYTE)
    headers = {**signed(bomb, hook, "repo:push"), "Content-Encoding": encoding}

    assert (await penstock.post(bomb, headers, hook)).status_code == 415
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_B4_bodies_are_never_logged(
    penstock: Living, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger="service")
    hook = await fresh(penstock)
    marked = push("main", "1a" * 20, message="canary-7f3a")

    async def stumble(event: Event, desk: Any) -> Any:
        await desk.record.connection.execute(
            insert(entries).values(cursor=1, kind=event.message, payload=event.message)
        )

    monkeypatch.setattr(handlers.router, "dispatch", stumble)
    monkeypatch.setattr(inbox, "PAUSES", ())
    whole = msgspec.json.encode({"repository": repository(hook), **marked})
    for body, headers in (
        (b'{"canary-7f3a', signed(b'{"canary-7f3a', hook, "repo:push")),
        (whole, {**signed(whole, hook, "repo:push"), "X-Hub-Signature": "canary-7f3a"}),
        (whole, signed(whole, hook, "repo:deleted")),
        (whole, signed(whole, hook, "repo:push")),
    ):
        await penstock.post(body, headers, hook)
    await drained(penstock, hook)
    monkeypatch.undo()

    assert "IntegrityError" in caplog.text
    assert "delivery.failed" in caplog.text
    assert "canary-7f3a" not in caplog.text
    await penstock.assert_alive()


NOT_JSON = {
    "B5_utf_16": '{"push": {}}'.encode("utf-16"),
    "B5_utf_32": '{"push": {}}'.encode("utf-32"),
    "B5_byte_order_mark": b'\xef\xbb\xbf{"push": {}}',
    "B5_latin_1": '{"push": "größe"}'.encode("latin-1"),
    "B5_overlong_utf_8": b'{"push": "\xc0\xaf"}',
    "B5_a_list": b"[]",
    "B5_a_number": b"7",
    "B5_two_objects": b"{}{}",
    "B5_a_comment": b"{} // it is a push",
    "B5_bytes": bytes(range(256)),
    "B6_lists_in_lists": b"[" * 128 * 1024,
    "B6_objects_in_objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "B6_lists_in_an_object": b'{"push":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "B7_five_thousand_digits": b'{"push": ' + b"1" * 5000 + b"}",
    "B7_not_a_number": b'{"push": NaN}',
    "B7_infinity": b'{"push": Infinity}',
    "B7_beyond_every_float": b'{"push": 1e999}',
    "B8_a_lone_surrogate": b'{"push": "\\ud800"}',
    "B8_a_lone_low_surrogate_in_a_key": b'{"\\udc00": 1}',
    "B8_an_encoded_surrogate": b'{"push": "\xed\xa0\x80"}',
}


@pytest.mark.parametrize("name", NOT_JSON)
async def test_B5_to_B8_what_is_no_json_object_is_400(penstock: Living, name: str) -> None:
    hook = await fresh(penstock)
    body = NOT_JSON[name]

    assert (await penstock.post(body, signed(body, hook, "repo:push"), hook)).status_code == 400
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_B9_a_null_byte_in_a_branch_reaches_no_database(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    commit = "1a" * 20
    said = status(3, "SUCCESSFUL", commit, branch="ma\0in", at="2026-03-01T09:40:00+00:00")
    answers = [
        await penstock.deliver("repo:push", push("ma\0in", commit, message="\0", author="\0")),
        await penstock.deliver("repo:commit_status_updated", said),
    ]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert [execution["branch"] for execution in await penstock.executions()] == ["ma\N{REPLACEMENT CHARACTER}in"]
    await penstock.assert_alive()


# B10: every value of every payload, replaced by what has no business there.

ODD = (None, 7, -1, 10**400, 1.5, True, "", "\0", "x" * 300, [], {}, [[]], {"a": {}}, [None, 7])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inside:
        yield (*path, key)
        yield from places(below, (*path, key))


def altered(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(payload)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


async def mutate(penstock: Living, *, most: int | None) -> None:
    """Delivers so many of the mutations, or all of them, about the repository of the written payloads."""
    named = content("push-branch-updated")["repository"]
    hook = await penstock.connect(named["full_name"], named["uuid"])
    assert (await penstock.deliver("repo:push", PUSH, hook=hook)).status_code == 202
    cases = [(name, path, odd) for name in NAMES for path in places(content(name)) for odd in range(len(ODD))]
    if most:
        cases = random.Random(10).sample(cases, most)
    cases.sort(key=lambda case: case[0] == "repository-deleted")  # after it nothing is acted upon
    entrance, answers = door(penstock), set()
    for name, path, odd in cases:
        body = json.dumps(altered(content(name), path, ODD[odd])).encode()
        headers = {"X-Request-UUID": str(uuid.uuid4()), "X-Hub-Signature": sign(body, hook.secret.encode())}
        answer = await knock(entrance, hook, lower(headers), body)
        # without a uuid it is about whatever its full name says, and some payloads tell of a new one
        assert answer in (202, 400) or hook.uuid.encode() not in body, (name, path, ODD[odd], answer)
        answers.add(answer)
    await drained(penstock, hook, seconds=1200)

    assert 202 in answers
    assert await rows(penstock, hook, "processed", "dead") == await rows(penstock, hook)
    assert await rows(penstock, hook, "processed") > 0
    await penstock.assert_alive()


async def test_B10_a_wrong_type_anywhere_in_a_payload_ends_no_worker(penstock_on_each: Living) -> None:
    await mutate(penstock_on_each, most=300)


@pytest.mark.endurance
async def test_B10_every_wrong_type_everywhere(penstock: Living) -> None:
    await mutate(penstock, most=None)


async def test_B10_what_could_not_be_read_lies_dead_with_its_reason(penstock: Living) -> None:
    hook = await fresh(penstock)
    answer = await penstock.deliver("repo:push", {"push": {"changes": None}}, hook=hook)
    verdicts = await penstock.verdicts(answer)

    assert (await penstock.get(f"/api/deliveries/{answer.json()['delivery_id']}"))["status"] == "dead"
    assert verdicts == [
        {
            "ref": None,
            "verdict": "failed",
            "reason": "push.changes is missing or null, not a list",
            "execution_id": None,
        }
    ]
    await penstock.assert_alive()


@pytest.mark.parametrize("count", [0, 1, 50])
async def test_B11_every_change_of_a_push_gets_its_own_verdict(penstock: Living, count: int) -> None:
    hook = await fresh(penstock)
    changes = [change(f"feature/{number}", f"{number:040x}") for number in range(count)]
    gone = {"old": {"type": "branch", "name": "old", "target": {"hash": "1a" * 20}}, "new": None, "closed": True}
    answer = await penstock.deliver("repo:push", {"push": {"changes": [*changes, gone] if count else []}}, hook=hook)
    refs = [verdict["ref"] for verdict in await penstock.verdicts(answer)]

    assert refs == ([*(f"feature/{number}" for number in range(count)), "old"] if count else [None])
    await penstock.assert_alive()


ODD_NAMES = [
    ".*",
    "ma(in",
    "main|",
    "[a-",
    "%",
    "_",
    "'; DROP TABLE deliveries; --",
    "{main",
    "*",
    "ma?n",
    "\\",
    "(a+)+$",
]


async def test_B12_names_are_names_and_no_patterns(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    changes = [change(branch, f"{number:040x}") for number, branch in enumerate(ODD_NAMES, 1)]
    pushed = await penstock.deliver("repo:push", {"push": {"changes": changes}})
    for number, branch in enumerate(ODD_NAMES, 1):
        said = status(number, "FAILED", f"{number:040x}", branch=branch, at="2026-03-01T09:40:00+00:00")
        await penstock.deliver("repo:commit_status_updated", said)

    verdicts = {verdict["ref"]: verdict["verdict"] for verdict in await penstock.verdicts(pushed)}
    assert verdicts == dict.fromkeys(ODD_NAMES, "ignored")

    shown = {execution["branch"]: execution["environment"] for execution in await penstock.executions()}
    assert shown == dict.fromkeys(ODD_NAMES)
    await penstock.assert_alive()


async def test_B13_X35_a_burst_is_stored_whole_and_worked_off(penstock_on_each: Living) -> None:
    penstock, count = penstock_on_each, 200
    entrance = door(penstock)
    bodies = [a_push(penstock.hook) for _ in range(count)]
    answers = await asyncio.gather(
        *(knock(entrance, penstock.hook, lower(signed(body, penstock.hook, "repo:push")), body) for body in bodies)
    )
    await drained(penstock, penstock.hook, seconds=240)

    assert answers == [202] * count
    assert await rows(penstock, penstock.hook, "processed") == count
    await penstock.assert_alive()


async def test_B14_a_flood_without_signatures_leaves_nothing_behind(penstock: Living) -> None:
    hook, entrance = await fresh(penstock), door(penstock)
    body = a_push(hook) + b" " * 200_000
    nobody = Hook(0, "", f"/{uuid.uuid4().hex}", "")
    headers = lower({**signed(b"", hook, "repo:push"), "X-Hub-Signature": "sha256=" + "0" * 64})
    answers = {await knock(entrance, to, given, body) for to in (hook, nobody) for given in ([], headers)}
    before = resident_bytes()
    for number in range(1000):
        answers.add(await knock(entrance, nobody if number % 2 else hook, headers, bytes(bytearray(body))))

    assert answers == {401}
    assert resident_bytes() - before < 32 * MEGABYTE  # the thousand bodies are 200
    assert await rows(penstock, hook) == 0
    await penstock.assert_alive()


async def test_B14_a_flood_of_invented_hooks_does_not_fill_the_memory(penstock: Living) -> None:
    entrance = door(penstock)
    for _ in range(50):
        assert await knock(entrance, Hook(0, "", f"/{uuid.uuid4().hex}", ""), []) == 401

    assert hooks.MOST_KEPT <= 10_000
    assert len(penstock.house.hooks._kept) >= 50  # an unknown hook is remembered, so that its flood asks nothing
    await penstock.assert_alive()


# B16


def poison(monkeypatch: pytest.MonkeyPatch, commit: str, error: Exception) -> None:
    """Makes the handling of that commit's pushes raise, and every pause short."""
    dispatch = handlers.router.dispatch

    async def poisoned(event: Event, desk: Any) -> Any:
        if isinstance(event, BranchPushed) and event.commit == commit:
            raise error
        return await dispatch(event, desk)

    monkeypatch.setattr(handlers.router, "dispatch", poisoned)
    monkeypatch.setattr(inbox, "PAUSES", (0.01, 0.01, 0.01, 0.01))
    monkeypatch.setattr(rounds, "BACKSTOP", 0.02)


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), OSError("no"), IntegrityError("INSERT", {}, Exception("no")), RecursionError("no")]
)
async def test_B16_a_poison_delivery_is_tried_five_times_and_holds_up_no_other(
    penstock: Living, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    hook, commit = await fresh(penstock), uuid.uuid4().hex + "0" * 8
    with monkeypatch.context() as patched:
        poison(patched, commit, error)
        poisoned = await penstock.deliver("repo:push", push("main", commit), hook=hook)
        others = [await penstock.deliver("repo:push", push("main", f"{n:040x}"), hook=hook) for n in range(5)]
        await penstock.assert_alive()
        await drained(penstock, hook)
        dead = await penstock.get(f"/api/deliveries/{poisoned.json()['delivery_id']}")
        fates = [[verdict["verdict"] for verdict in await penstock.verdicts(other)] for other in others]

    reason = f"{type(error).__name__} while it was processed, try 5; replay it once the cause is gone"
    assert dead["status"] == "dead"
    assert [(verdict["verdict"], verdict["reason"]) for verdict in dead["verdicts"]] == [("failed", reason)]
    assert fates == [["opened"]] * 5

    replayed = await penstock.client.post(f"/api/deliveries/{dead['id']}/replay")
    assert replayed.is_success
    assert [verdict["verdict"] for verdict in await penstock.verdicts(poisoned)] == ["opened"]


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.external_service)], indirect=True
)
async def test_B16_a_value_that_the_database_refuses_is_a_poison_too(
    penstock_on_each: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    penstock, dispatch = penstock_on_each, handlers.router.dispatch

    async def refused(event: Event, desk: Any) -> Any:
        if isinstance(event, BranchPushed) and event.ref == "poison":
            await desk.record.connection.execute(text("SELECT CAST(:number AS integer)"), {"number": 10**12})
        return await dispatch(event, desk)

    monkeypatch.setattr(handlers.router, "dispatch", refused)
    monkeypatch.setattr(inbox, "PAUSES", ())
    poisoned = await penstock.deliver("repo:push", push("poison", "1a" * 20))
    await penstock.assert_alive()
    await drained(penstock, penstock.hook)

    assert (await penstock.get(f"/api/deliveries/{poisoned.json()['delivery_id']}"))["status"] == "dead"
