"""Deliveries leave as Bitbucket's do, are tried again as Bitbucket tries, go wrong on request."""

from __future__ import annotations

import hmac
import json

import pytest

from service.simulator import Create, Repository, Simulator
from tests.simulator.conftest import SECRET, Receiver

pytestmark = pytest.mark.anyio


async def test_a_delivery_has_bitbuckets_headers(shop: Repository, receiver: Receiver) -> None:
    await shop.push()

    headers = receiver.received[0].headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "Bitbucket-Webhooks/2.0"
    assert headers["x-event-key"] == "repo:push"
    assert headers["x-attempt-number"] == "1"
    assert headers["x-hook-uuid"] == shop.hooks[0].uuid.strip("{}")
    assert len(headers["x-request-uuid"]) == 36


async def test_the_signature_is_of_the_bytes_that_arrive(shop: Repository, receiver: Receiver) -> None:
    await shop.push(message="Grüße, 世界")

    one = receiver.received[0]
    digest = hmac.new(SECRET.encode(), one.body, "sha256").hexdigest()
    assert one.headers["x-hub-signature"] == f"sha256={digest}"
    assert one.body == json.dumps(one.payload, separators=(",", ":"), ensure_ascii=False).encode()


async def test_a_hook_without_a_secret_sends_no_signature(bitbucket: Simulator, receiver: Receiver) -> None:
    shop = bitbucket.repository("acme/open")
    shop.hook(receiver.url)
    await shop.push()

    assert "x-hub-signature" not in receiver.received[0].headers


async def test_only_active_hooks_that_asked_for_the_event_get_it(bitbucket: Simulator, receiver: Receiver) -> None:
    shop = bitbucket.repository("acme/quiet")
    shop.hook(receiver.url, events=["repo:updated"])
    shop.hook(receiver.url, active=False)
    await shop.push()

    assert receiver.received == []


@pytest.mark.parametrize(
    ("answers", "outcomes"),
    [
        ([200], [200]),
        ([503, 202], [503, 202]),
        ([500, 599, 202], [500, 599, 202]),
        ([500, 500, 500, 202], [500, 500, 500]),
        ([401], [401]),
        ([429], [429]),
        ([302], [302]),
    ],
)
async def test_only_a_5xx_is_sent_again_and_at_most_twice(
    bitbucket: Simulator, shop: Repository, receiver: Receiver, answers: list[int], outcomes: list[int]
) -> None:
    receiver.answers.extend(answers)
    await shop.push()

    assert bitbucket.deliveries[0].outcomes == outcomes
    assert [one.headers["x-attempt-number"] for one in receiver.received] == ["1", "2", "3"][: len(outcomes)]
    assert len({one.headers["x-request-uuid"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1


async def test_an_answer_that_does_not_come_is_a_timeout(
    bitbucket: Simulator, shop: Repository, receiver: Receiver
) -> None:
    usual = bitbucket.courier.timeout_seconds
    bitbucket.courier.timeout_seconds = 0.05
    receiver.answers.append(None)
    await shop.push()

    assert (usual, bitbucket.deliveries[0].outcomes) == (10.0, ["TIMEOUT"])


async def test_nobody_there_is_a_network_error(bitbucket: Simulator) -> None:
    shop = bitbucket.repository("acme/lonely")
    shop.hook("http://127.0.0.1:9/")
    await shop.push()

    assert bitbucket.deliveries[0].outcomes == ["NETWORK ERROR"]


async def test_a_body_over_256_kb_is_not_sent_and_nothing_says_so(
    bitbucket: Simulator, shop: Repository, receiver: Receiver
) -> None:
    await shop.push_refs(*(Create(f"branch-{number}") for number in range(80)))

    assert receiver.received == []
    assert (bitbucket.deliveries[0].fate, bitbucket.deliveries[0].outcomes) == ("too large", [])


async def test_deliveries_can_be_lost(bitbucket: Simulator, shop: Repository, receiver: Receiver) -> None:
    bitbucket.delivery_faults.drop(events="repo:commit_status_*")
    run = await shop.start_run()
    await run.finish()

    assert receiver.event_keys == ["repo:commit_status_updated", "pipeline:span_created"]
    assert [delivery.fate for delivery in bitbucket.deliveries] == ["lost", "sent", "sent"]


async def test_the_same_seed_loses_the_same_deliveries(bitbucket: Simulator, shop: Repository) -> None:
    async def fates() -> list[str]:
        bitbucket.delivery_faults.lose(0.5, seed=7)
        start = len(bitbucket.deliveries)
        for _ in range(12):
            await shop.push()
        return [delivery.fate for delivery in bitbucket.deliveries[start:]]

    first = await fates()
    assert first == await fates()
    assert set(first) == {"sent", "lost"}


async def test_a_delivery_can_come_ten_times_at_once(
    bitbucket: Simulator, shop: Repository, receiver: Receiver
) -> None:
    bitbucket.delivery_faults.duplicate(10)
    await shop.push()

    assert len(receiver.received) == 10
    assert len({(one.headers["x-request-uuid"], one.body) for one in receiver.received}) == 1
    assert bitbucket.deliveries[0].outcomes == [202] * 10


@pytest.mark.parametrize(
    ("how", "order"),
    [({}, [1, 2, 3]), ({"newest_first": True}, [3, 2, 1])],
)
async def test_what_is_held_back_is_released_in_the_order_asked_for(
    bitbucket: Simulator, shop: Repository, receiver: Receiver, how: dict[str, bool], order: list[int]
) -> None:
    bitbucket.delivery_faults.hold_back()
    for number in (1, 2, 3):
        await shop.push(message=str(number))
    held = list(receiver.received)
    await bitbucket.release(**how)

    assert held == []
    assert [int(one.payload["push"]["changes"][0]["commits"][0]["message"]) for one in receiver.received] == order
    await shop.push()
    assert len(receiver.received) == 4


async def test_only_the_deliveries_that_were_meant_are_held(
    bitbucket: Simulator, shop: Repository, receiver: Receiver
) -> None:
    bitbucket.delivery_faults.hold(events="repo:commit_status_created")
    run = await shop.start_run()
    await run.finish()
    await bitbucket.release()

    assert receiver.event_keys == [
        "repo:commit_status_updated",
        "pipeline:span_created",
        "repo:commit_status_created",
    ]


async def test_faults_can_be_cleared(bitbucket: Simulator, shop: Repository, receiver: Receiver) -> None:
    bitbucket.delivery_faults.lose(1.0, seed=1)
    bitbucket.delivery_faults.drop(times=9)
    bitbucket.delivery_faults.clear()
    await shop.push()

    assert [delivery.outcomes for delivery in bitbucket.delivered("repo:push")] == [[202]]


async def test_a_shuffle_is_repeatable(bitbucket: Simulator, shop: Repository, receiver: Receiver) -> None:
    orders = []
    for _ in range(2):
        bitbucket.delivery_faults.hold_back()
        for number in range(8):
            await shop.push(message=str(number))
        await bitbucket.release(seed=3)
        orders.append([one.payload["push"]["changes"][0]["commits"][0]["message"] for one in receiver.received])
        receiver.received.clear()

    assert orders[0] == orders[1] != sorted(orders[0])


async def test_a_delayed_delivery_is_overtaken(bitbucket: Simulator, shop: Repository, receiver: Receiver) -> None:
    bitbucket.delivery_faults.delay(3600, events="repo:push")
    bitbucket.cloud.spawn(shop.pushed([], shop.owner))
    await shop.rename("Boutique")

    assert receiver.event_keys == ["repo:updated"]


async def test_a_delivery_can_be_sent_again_as_it_was(
    bitbucket: Simulator, shop: Repository, receiver: Receiver
) -> None:
    await shop.push()
    await bitbucket.courier.resend(bitbucket.deliveries[0])

    first, again = receiver.received
    assert (first.body, first.headers["x-request-uuid"]) == (again.body, again.headers["x-request-uuid"])


async def test_any_bytes_can_be_delivered(bitbucket: Simulator, shop: Repository, receiver: Receiver) -> None:
    delivery = await bitbucket.courier.send(shop.hooks[0], "repo:push", b"{not json")

    assert receiver.received[0].body == b"{not json"
    assert delivery.outcomes == [202]
