"""The webhook is made, mended and told its new secret; where none will come, the silent cause is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from service.bitbucket.webhook import EVENTS
from service.simulator import Create, Update
from service.simulator.settings import Hook
from service.store import repositories
from service.workers import reconciling
from tests.both_ways.conftest import Both
from tests.living import Hook as Connection
from tests.living import push, repository, signed

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_connecting_a_repository_makes_its_webhook(both: Both) -> None:
    [hook] = both.shop.hooks
    told = await both.penstock.get(f"/api/repositories/{both.repository_id}")

    assert (hook.url, set(hook.events), hook.active) == (told["webhook"]["url"], set(EVENTS), True)
    assert len(hook.secret) >= 32
    await both.shop.push("main", {"a.txt": "1"})
    [delivery] = both.bitbucket.delivered("repo:push")
    assert delivery.outcomes == [202]


async def test_what_the_repository_is_is_learnt_on_the_way(both: Both) -> None:
    async def learnt() -> dict[str, Any] | None:
        told: dict[str, Any] = await both.penstock.get(f"/api/repositories/{both.repository_id}")
        return told if told["uuid"] else None

    assert (await both.until(learnt))["uuid"] == both.shop.uuid


@pytest.mark.parametrize(
    "spoil",
    [
        lambda shop: shop.hooks.clear(),
        lambda shop: setattr(shop.hooks[0], "active", False),
        lambda shop: setattr(shop.hooks[0], "secret", ""),
        lambda shop: setattr(shop.hooks[0], "url", "https://elsewhere.example.com/"),
        lambda shop: setattr(shop.hooks[0], "events", ("repo:push",)),
        lambda shop: shop.hooks.append(_twin(shop.hooks[0])),
    ],
    ids=["deleted", "deactivated", "without its secret", "led elsewhere", "with fewer events", "made twice"],
)
async def test_a_webhook_that_was_spoilt_is_mended(both: Both, spoil: Callable[[Any], Any]) -> None:
    right = _shape(both.shop.hooks[0])
    await _known(both)
    spoil(both.shop)
    await _look_at_the_hook(both)

    async def mended() -> bool:
        return [_shape(hook) for hook in both.shop.hooks] == [right]

    await both.until(mended)
    await both.shop.push("main", {"a.txt": "1"})
    assert both.bitbucket.delivered("repo:push")[-1].outcomes == [202]


async def test_the_webhooks_of_others_are_let_be(both: Both) -> None:
    theirs = both.shop.hook("https://chat.example.com/hook", secret="theirs", events=("repo:push",))
    both.shop.hooks[0].active = False
    await _look_at_the_hook(both)

    await both.until(lambda: _is_active(both))

    assert theirs in both.shop.hooks
    assert (theirs.secret, theirs.events, theirs.active) == ("theirs", ("repo:push",), True)


async def test_a_run_of_which_no_webhook_told_makes_the_service_look_after_its_webhook(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "UNREMARKABLE", 0.0)
    both.shop.hooks[0].active = False
    await both.shop.start_run("main")

    await both.until(lambda: _is_active(both))


async def test_a_rotated_secret_is_told_to_bitbucket_and_either_is_accepted(both: Both) -> None:
    hook = both.shop.hooks[0]
    before = hook.secret
    answer = await both.post(f"/api/repositories/{both.repository_id}/rotate-secret")
    after = answer.json()["webhook"]["secret"]

    async def told() -> bool:
        return hook.secret == after

    await both.until(told)
    assert before != after
    for secret in (before, after):
        connection = Connection(both.repository_id, "acme/till", hook.url, secret, both.shop.uuid)
        body = msgspec.json.encode({"repository": repository(connection), **push("main", "a" * 40)})
        answer = await both.penstock.post(body, signed(body, connection, "repo:push"), connection)
        assert answer.status_code in (200, 202), answer.text
    stranger = Connection(both.repository_id, "acme/till", hook.url, "x" * 43, both.shop.uuid)
    body = msgspec.json.encode({"repository": repository(stranger), **push("main", "a" * 40)})
    assert (await both.penstock.post(body, signed(body, stranger, "repo:push"), stranger)).status_code == 401


@pytest.mark.parametrize(
    ("prepare", "because"),
    [
        (lambda shop: setattr(shop, "pipelines_enabled", False), "Pipelines is switched off"),
        (lambda shop: None, "the commit has no bitbucket-pipelines.yml"),
    ],
    ids=["Pipelines is off", "no file"],
)
async def test_a_push_that_bitbucket_does_not_run_says_why(
    both: Both, prepare: Callable[[Any], Any], because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "UNREMARKABLE", 0.0)
    prepare(both.shop)
    await both.shop.push("main", {"a.txt": "1", "bitbucket-pipelines.yml": None})

    async def told() -> dict[str, Any] | None:
        return next((one for one in await both.executions() if one["waiting_on"]), None)

    execution = await both.until(told)
    assert because in execution["waiting_on"]
    assert execution["status"] == "PLANNED"


async def test_a_push_that_asks_to_be_skipped_expects_nothing(both: Both) -> None:
    await both.shop.push("main", {"a.txt": "1"}, message="Tidy up [skip ci]")

    assert await _verdicts(both) == [
        ("main", "ignored", "the commit message asks Bitbucket to skip it ([skip ci])", None)
    ]


async def test_a_push_of_more_than_five_refs_expects_nothing(both: Both) -> None:
    await both.shop.push_refs(Update("main", {"a.txt": "1"}), *(Create(f"hotfix/{number}") for number in range(5)))

    verdicts = await _verdicts(both)
    assert {word for _, word, _, _ in verdicts} == {"ignored"}
    assert "Bitbucket starts no pipelines for a push of 6 refs, only for up to five" in {
        why for _, _, why, _ in verdicts
    }


async def _verdicts(both: Both) -> list[tuple[str, str, str, int | None]]:
    await both.penstock.settled()
    newest = (await both.penstock.get("/api/deliveries", limit=1))["items"][0]
    told = (await both.penstock.get(f"/api/deliveries/{newest['id']}"))["verdicts"]
    return [(one["ref"], one["verdict"], one["reason"], one["execution_id"]) for one in told]


async def _look_at_the_hook(both: Both) -> None:
    """What the service does once in a while."""
    async with both.penstock.house.recorder.record() as record:
        await record.work("hook", str(both.repository_id), {"repository_id": both.repository_id})


async def _known(both: Both) -> None:
    """Waits until the service knows the webhook's name at Bitbucket."""
    house = both.penstock.house

    async def look() -> bool:
        async with house.database.read() as connection:
            found = await repositories.by_id(connection, both.repository_id)
        return found is not None and found.hook_uuid == both.shop.hooks[0].uuid

    await both.until(look)


async def _is_active(both: Both) -> bool:
    return both.shop.hooks[0].active


def _twin(hook: Hook) -> Hook:
    return Hook(hook.url, hook.events, hook.created_at + timedelta(seconds=1), "another")


def _shape(hook: Hook) -> tuple[Any, ...]:
    return hook.url, set(hook.events), hook.secret, hook.active
