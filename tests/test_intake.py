"""Every answer of the webhook door: what is stored, what is refused, and in which order the refusals come."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from service import clock
from service.store.database import Database
from service.web import intake
from service.web.hooks import Hooks
from service.web.intake import Intake
from tests.living import Hook, Living, living, push, repository, signed, status
from tests.wire import exchange, request

pytestmark = pytest.mark.anyio

COMMIT = "5c1d" * 10
PUSH = push("main", COMMIT)
ON_POSTGRESQL = [pytest.param("postgresql", marks=pytest.mark.external_service)]


def body_for(hook: Hook, payload: dict[str, Any] = PUSH) -> bytes:
    return msgspec.json.encode({"repository": repository(hook), **payload})


async def stored(penstock: Living) -> list[dict[str, Any]]:
    """The inbox, newest first."""
    items: list[dict[str, Any]] = (await penstock.get("/api/deliveries"))["items"]
    return items


# Stored


async def test_a_delivery_is_answered_202_and_is_in_the_inbox(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    answer = await penstock.deliver("repo:push", PUSH, request_uuid="11111111-2222-4333-8444-555555555555")

    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"delivery_id": answer.json()["delivery_id"], "status": "accepted"}
    (delivery,) = await stored(penstock)
    kept = ("id", "request_uuid", "event_key", "attempt", "flags", "repository_id")
    assert {field: delivery[field] for field in kept} == {
        "id": answer.json()["delivery_id"],
        "request_uuid": "11111111-2222-4333-8444-555555555555",
        "event_key": "repo:push",
        "attempt": 1,
        "flags": [],
        "repository_id": penstock.hook.id,
    }


async def test_the_same_uuid_and_body_once_more_is_200_duplicate(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    first = await penstock.deliver("repo:push", PUSH, request_uuid="one")
    await penstock.settled()

    again = await penstock.deliver("repo:push", PUSH, request_uuid="one")

    assert (again.status_code, again.json()) == (200, {**first.json(), "status": "duplicate"})
    assert len(await stored(penstock)) == 1


async def test_ten_equal_deliveries_at_once_are_one_202_and_nine_200(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    answers = await asyncio.gather(*(penstock.deliver("repo:push", PUSH, request_uuid="ten") for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len({answer.json()["delivery_id"] for answer in answers}) == 1
    assert len(await penstock.executions()) == 1


@pytest.mark.parametrize("database_url", ON_POSTGRESQL, indirect=True)
async def test_equal_deliveries_to_two_replicas_at_once_are_stored_once(database_url: str, tmp_path: Any) -> None:
    environ = {"PENSTOCK_DATA_DIR": str(tmp_path), "PENSTOCK_DATABASE_URL": database_url}
    async with living(environ) as one, living(environ) as other:
        for number in range(6):
            wanted = [
                penstock.post(body, signed(body, one.hook, "repo:push", f"{number}-{part}"), hook)
                for part in range(4)
                for body in [body_for(one.hook, push("main", uuid.uuid4().hex + "0" * 8))]
                for penstock, hook in ((one, one.hook), (other, _moved(one.hook, other.url)))
            ]
            answers = await asyncio.gather(*wanted[:: 1 if number % 2 else -1])

            assert sorted(answer.status_code for answer in answers) == [200] * 4 + [202] * 4


def _moved(hook: Hook, url: str) -> Hook:
    return Hook(hook.id, hook.full_name, url + hook.url[hook.url.index("/webhooks") :], hook.secret, hook.uuid)


async def test_the_same_uuid_over_another_body_is_stored_too_and_flagged(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    first = await penstock.deliver("repo:push", PUSH, request_uuid="reused")
    await asyncio.sleep(0.002)  # ids tell milliseconds apart
    other = await penstock.deliver("repo:push", push("main", "ab" * 20), request_uuid="reused")
    await penstock.settled()

    assert (first.status_code, other.status_code) == (202, 202)
    flags = {delivery["id"]: delivery["flags"] for delivery in await stored(penstock)}
    assert flags == {first.json()["delivery_id"]: [], other.json()["delivery_id"]: ["request_uuid_reused"]}

    await penstock.client.post(f"/api/deliveries/{other.json()['delivery_id']}/replay")
    await penstock.settled()

    assert (await stored(penstock))[0]["flags"] == ["request_uuid_reused"]


async def test_without_a_usable_uuid_the_digest_of_the_body_stands_in(penstock: Living) -> None:
    unusable = [None, b"", "größe".encode("latin-1"), b"\xff\xfe", b"x" * 129]
    answers = {}
    for number, given in enumerate(unusable):
        body = body_for(penstock.hook, push("main", f"{number:040x}"))
        headers = [(n.encode(), v.encode()) for n, v in signed(body, penstock.hook, "repo:push").items()]
        headers = [(n, v) for n, v in headers if n != b"X-Request-UUID"]
        headers += [] if given is None else [(b"X-Request-UUID", given)]
        twice = [await penstock.client.post(penstock.hook.url, content=body, headers=headers) for _ in range(2)]
        answers[given] = [answer.status_code for answer in twice]

    assert answers == {given: [202, 200] for given in unusable}
    assert {delivery["request_uuid"] for delivery in await stored(penstock)} == {None}


async def test_an_attempt_number_that_is_none_counts_as_the_first(penstock: Living) -> None:
    given = ["3", "0", "-1", "x", "", "99999", "1e3", "\u0663", "2, 3"]
    for number, said in enumerate(given):
        body = body_for(penstock.hook, push("main", f"{number:040x}"))
        headers = {**signed(body, penstock.hook, "repo:push", f"{number}"), "X-Attempt-Number": said}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        assert (await penstock.client.post(penstock.hook.url, content=body, headers=raw)).status_code == 202

    attempts = {delivery["request_uuid"]: delivery["attempt"] for delivery in await stored(penstock)}
    assert [attempts[f"{number}"] for number in range(len(given))] == [3, 0, 1, 1, 1, 1, 1, 1, 1]


async def test_a_missing_event_key_is_derived_from_the_body(penstock: Living) -> None:
    bodies = {
        "repo:push": PUSH,
        "repo:commit_status_updated": status(7, "SUCCESSFUL", COMMIT, at="2026-03-01T09:40:00+00:00"),
        "unknown": {"surprise": 1},
    }
    for key, payload in bodies.items():
        body = body_for(penstock.hook, payload)
        headers = signed(body, penstock.hook, "", request_uuid=key)
        del headers["X-Event-Key"]
        assert (await penstock.post(body, headers)).status_code == 202

    assert {d["request_uuid"]: d["event_key"] for d in await stored(penstock)} == {key: key for key in bodies}


async def test_an_event_that_nothing_handles_is_accepted_and_ignored_with_a_reason(penstock: Living) -> None:
    answer = await penstock.deliver("repo:fork", {"fork": {"full_name": "eve/shop"}})

    assert answer.status_code == 202
    (verdict,) = await penstock.verdicts(answer)
    assert (verdict["verdict"], verdict["reason"]) == (
        "ignored",
        "a fork is another repository: connect it to deploy it",
    )


# Refused


async def test_what_is_signed_but_no_json_object_is_400(penstock: Living) -> None:
    bodies = [b"", b"payload=%7B%7D", b"[]", b'"push"', b"7", b"null", b'{"push":', b"\xef\xbb\xbf{}", b'{"a":"\xff"}']
    bodies += [b'{"a":NaN}', b'{"a":"\\ud800"}', '{"push":{}}'.encode("utf-16"), b'{"a":' * 40_000]
    answers = {body: await penstock.post(body, signed(body, penstock.hook, "repo:push")) for body in bodies}

    assert {body: answer.status_code for body, answer in answers.items()} == dict.fromkeys(bodies, 400)
    assert all(answer.json()["error"].startswith("the body is") for answer in answers.values())
    assert await stored(penstock) == []


async def test_an_event_key_that_contradicts_the_body_is_400(penstock: Living) -> None:
    body = body_for(penstock.hook)
    for key in ("repo:commit_status_created", "repo:deleted", "pullrequest:fulfilled", "r\xe9po:push", "x" * 101):
        headers = [(n.encode(), v.encode("latin-1")) for n, v in signed(body, penstock.hook, key).items()]
        answer = await penstock.client.post(penstock.hook.url, content=body, headers=headers)
        assert (key, answer.status_code) == (key, 400)
        assert "X-Event-Key" in answer.json()["error"]

    assert await stored(penstock) == []


async def test_every_failed_authentication_gets_one_and_the_same_401(penstock: Living) -> None:
    hook = penstock.hook
    body = body_for(hook)
    right = signed(body, hook, "repo:push")
    signature = right.pop("X-Hub-Signature")
    wrong = "sha256=" + "0" * 64
    nowhere = hook.url.rpartition("/")[0]
    requests: dict[str, tuple[str, bytes, list[str]]] = {
        "unknown hook": (f"{nowhere}/{'0' * 32}", body, [signature]),
        "no hook": (f"{nowhere}/", body, [signature]),
        "hook with more behind it": (f"{hook.url}/more", body, [signature]),
        "hook that is no id": (f"{nowhere}/%00'%20or%201=1", body, [signature]),
        "no signature": (hook.url, body, []),
        "wrong signature": (hook.url, body, [wrong]),
        "altered body": (hook.url, body + b" ", [signature]),
        "doubled signature": (hook.url, body, [signature, signature]),
        "a wrong one before the right one": (hook.url, body, [wrong, signature]),
        "a body that is no JSON": (hook.url, b"{", [wrong]),
    }
    answers = {}
    for name, (url, content, signatures) in requests.items():
        headers = [*right.items(), *(("X-Hub-Signature", value) for value in signatures)]
        answer = await penstock.client.post(url, content=content, headers=headers)
        answers[name] = (answer.status_code, _told(answer), answer.content)

    constant = b'{"error":"unknown hook, or a missing or wrong signature"}'
    told = {"content-type": "application/json", "content-length": str(len(constant))}
    assert answers == dict.fromkeys(requests, (401, told, constant))
    assert await stored(penstock) == []


def _told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


async def test_before_the_uuid_is_known_another_full_name_is_403(penstock: Living) -> None:
    stranger = {"repository": {"full_name": "eve/shop", "uuid": penstock.hook.uuid}}
    answer = await penstock.deliver("repo:push", {**PUSH, **stranger})

    assert answer.status_code == 403
    assert await stored(penstock) == []


async def test_the_first_delivery_teaches_the_uuid_and_from_then_on_it_decides(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    first = await penstock.deliver("repo:push", PUSH)
    renamed = {"repository": {"full_name": "acme/boutique", "uuid": penstock.hook.uuid}}
    same = await penstock.deliver("repo:push", {**push("main", "ab" * 20), **renamed})
    other = {"repository": {"full_name": "acme/shop", "uuid": f"{{{uuid.uuid4()}}}"}}
    foreign = await penstock.deliver("repo:push", {**push("main", "cd" * 20), **other})

    assert [answer.status_code for answer in (first, same, foreign)] == [202, 202, 403]
    shown = await penstock.get(f"/api/repositories/{penstock.hook.id}")
    assert shown["uuid"] == penstock.hook.uuid


async def test_the_uuid_of_another_connected_repository_is_403(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    await penstock.deliver("repo:push", PUSH)
    second = await penstock.connect("acme/till")
    claims = {"repository": {"full_name": "acme/till", "uuid": penstock.hook.uuid}}
    answer = await penstock.deliver("repo:push", {**PUSH, **claims}, hook=second)
    own = await penstock.deliver("repo:push", PUSH, hook=second)

    assert (answer.status_code, own.status_code) == (403, 202)
    assert [delivery["repository_id"] for delivery in await stored(penstock)] == [second.id, penstock.hook.id]


async def test_a_body_that_does_not_arrive_is_408(penstock: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.2)
    body = body_for(penstock.hook)
    head = request(penstock.hook.url, {**signed(body, penstock.hook, "repo:push"), "Content-Length": str(len(body))})
    answer = await exchange(penstock.hook.url, [head, body[:20]])

    assert (answer.status, answer.closed) == (408, True)
    await penstock.assert_alive()


async def test_a_length_above_the_limit_is_413_before_the_signature_and_unread(penstock: Living) -> None:
    limit = penstock.house.settings.max_webhook_bytes
    answer = await exchange(penstock.hook.url, [request(penstock.hook.url, {"Content-Length": str(limit + 1)})])

    assert (answer.status, answer.closed) == (413, True)


async def test_a_chunked_body_is_413_as_soon_as_it_passes_the_limit(penstock: Living) -> None:
    def chunks() -> Any:
        yield request(penstock.hook.url, {"Transfer-Encoding": "chunked"})
        while True:
            yield b"4000\r\n" + b" " * 0x4000 + b"\r\n"

    answer = await exchange(penstock.hook.url, chunks())

    assert (answer.status, answer.closed) == (413, True)


async def test_a_body_of_exactly_the_limit_is_stored(penstock: Living) -> None:
    limit = penstock.house.settings.max_webhook_bytes
    body = body_for(penstock.hook)
    body += b" " * (limit - len(body))

    assert (await penstock.post(body, signed(body, penstock.hook, "repo:push"))).status_code == 202


async def test_a_chunked_body_within_the_limit_is_stored(penstock: Living) -> None:
    body = body_for(penstock.hook)
    head = request(penstock.hook.url, {**signed(body, penstock.hook, "repo:push"), "Transfer-Encoding": "chunked"})
    pieces = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])]
    answer = await exchange(penstock.hook.url, [head, *pieces, b"0\r\n\r\n"])

    assert answer.status == 202


async def test_an_encoded_body_is_415_before_the_signature(penstock: Living) -> None:
    for encodings in (["gzip"], ["br"], ["deflate, gzip"], ["gzip", "identity"], ["GZIP"]):
        headers = [("Content-Encoding", encoding) for encoding in encodings]
        answer = await penstock.client.post(penstock.hook.url, content=b"\x1f\x8b\x08", headers=headers)
        assert (encodings, answer.status_code) == (encodings, 415)

    assert await stored(penstock) == []


async def test_another_method_is_405(penstock: Living) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        answer = await penstock.client.request(method, penstock.hook.url)
        assert (method, answer.status_code, answer.headers["allow"]) == (method, 405, "POST")


# The store away


@asynccontextmanager
async def locked(penstock: Living, table: str) -> AsyncIterator[None]:
    """Somebody else holds the database (SQLite: all of it, for writing): a backup, a shell, a migration."""
    other = Database(penstock.house.settings.database)
    try:
        async with other.write() as connection:
            if not other.embedded:
                await connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        await other.close()


async def test_a_store_that_is_locked_for_a_moment_makes_the_202_late(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    await penstock.deliver("repo:push", PUSH)
    await penstock.settled()
    async with locked(penstock, "deliveries"):
        late = asyncio.create_task(penstock.deliver("repo:push", push("main", "ab" * 20)))
        await asyncio.sleep(0.3)
        waited = not late.done()

    assert (waited, (await late).status_code) == (True, 202)


async def test_a_store_that_stays_locked_is_503_and_the_retry_is_not_stored_twice(
    penstock_on_each: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    penstock = penstock_on_each
    await penstock.deliver("repo:push", PUSH)
    await penstock.settled()
    monkeypatch.setattr(intake, "STORE_SECONDS", 0.3)
    again = push("main", "ab" * 20)
    async with locked(penstock, "deliveries"):
        refused = await penstock.deliver("repo:push", again, request_uuid="again")
    monkeypatch.setattr(intake, "STORE_SECONDS", 8.0)
    retried = await penstock.deliver("repo:push", again, request_uuid="again")

    # what was handed over is stored as soon as that is possible, so the retry finds it there
    assert (refused.status_code, retried.status_code) == (503, 200)
    assert refused.json() == {"error": "the delivery could not be stored: send it again"}
    assert len(await stored(penstock)) == 2
    await penstock.assert_alive()


@pytest.mark.parametrize("database_url", ON_POSTGRESQL, indirect=True)
async def test_a_store_that_does_not_even_name_the_hook_is_503(
    penstock_on_each: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    penstock = penstock_on_each
    monkeypatch.setattr(intake, "STORE_SECONDS", 0.3)
    penstock.house.hooks.forget(penstock.hook.url.rpartition("/")[2])
    async with locked(penstock, "hooks"):
        answer = await penstock.deliver("repo:push", PUSH)

    assert answer.status_code == 503


# The secret's life


@asynccontextmanager
async def at(penstock: Living, later: timedelta) -> AsyncIterator[Callable[[Hook, str], Any]]:
    """The same door, with its clock put forward: a function that delivers a push of that commit."""
    house = penstock.house
    limit = house.settings.max_webhook_bytes
    door = Intake(house.hooks, house.inbox, limit=limit, now=lambda: clock.now() + later)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=penstock.url) as client:

        async def deliver(hook: Hook, commit: str) -> httpx.Response:
            body = body_for(hook, push("main", commit))
            return await client.post(hook.url, content=body, headers=signed(body, hook, "repo:push"))

        yield deliver


async def test_after_a_rotation_both_secrets_are_accepted_for_a_day(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    old = penstock.hook
    assert (await penstock.deliver("repo:push", PUSH)).status_code == 202
    made = (await penstock.client.post(f"/api/repositories/{old.id}/rotate-secret")).json()["webhook"]
    new = Hook(old.id, old.full_name, made["url"], made["secret"], old.uuid)

    async with at(penstock, timedelta(hours=23, minutes=59)) as deliver:
        within = [(await deliver(new, "aa" * 20)).status_code, (await deliver(old, "bb" * 20)).status_code]
    async with at(penstock, timedelta(hours=24, minutes=1)) as deliver:
        after = [(await deliver(new, "cc" * 20)).status_code, (await deliver(old, "dd" * 20)).status_code]

    assert (within, after) == ([202, 202], [202, 401])
    flags = [delivery["flags"] for delivery in await stored(penstock)]
    assert sorted(flags) == [[], [], [], ["signed_with_previous_secret"]]


async def test_a_disconnected_repository_is_401_at_once(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    assert (await penstock.deliver("repo:push", PUSH)).status_code == 202
    await penstock.client.delete(f"/api/repositories/{penstock.hook.id}")

    refused = await penstock.deliver("repo:push", push("main", "ab" * 20))
    unknown = await penstock.deliver("repo:push", PUSH, hook=Hook(0, "a/b", penstock.url + intake.PATH + "0", "x"))

    assert (refused.status_code, refused.content) == (401, unknown.content)
    await penstock.assert_alive()


async def test_a_hook_that_changes_while_it_is_read_is_read_again(penstock: Living) -> None:
    hooks = Hooks(penstock.house.database, penstock.house.vault, time.monotonic)
    hook_id = penstock.hook.url.rpartition("/")[2]
    reading = asyncio.create_task(hooks.get(hook_id, timeout=5))
    await asyncio.sleep(0)
    hooks.forget(hook_id)
    before = await reading
    after = await hooks.get(hook_id, timeout=5)

    assert before == after
    assert before is not after
    assert await hooks.get(hook_id, timeout=5) is after


async def test_a_refused_request_is_not_kept_in_memory(penstock: Living) -> None:
    class Body(bytearray):
        pass

    async def receive() -> dict[str, Any]:
        body = Body(b"{}")
        kept.append(weakref.ref(body))
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    kept: list[weakref.ref[Body]] = []
    answered: list[dict[str, Any]] = []
    house = penstock.house
    door = Intake(house.hooks, house.inbox, limit=1000)
    for _ in range(3):
        await door({"method": "POST", "headers": [], "path": intake.PATH + "0"}, receive, send)
    gc.collect()

    assert [message.get("status") for message in answered[::2]] == [401] * 3
    assert [reference() for reference in kept] == [None] * 3
