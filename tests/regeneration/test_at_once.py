"""Two pushes at the same time, at two replicas where the database has room for them, are one pull request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.recorder import Record
from service.simulator import Repository, Simulator
from service.simulator.delivering import Delivery as Sent
from service.store.deliveries import Delivery
from service.workers.inbox import InboxWorker
from tests.regeneration.conftest import Stage, open_requests, staged, text_of
from tests.regeneration.generated import files_of

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NODE = files_of("express") | {".nvmrc": b"18\n"}


@asynccontextmanager
async def replicas(bitbucket: Simulator, directory: Path, database_url: str) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two of them on one PostgreSQL; SQLite has room for one, which is both."""
    async with staged(bitbucket, directory, PENSTOCK_DATABASE_URL=database_url) as one:
        if database_url.startswith("sqlite"):
            yield one, one
            return
        both = {"PENSTOCK_DATABASE_URL": database_url, "PENSTOCK_PUBLIC_URL": one.penstock.url}
        async with staged(bitbucket, directory, **both) as other:
            yield one, other


async def held(bitbucket: Simulator, shop: Repository, version: str) -> Sent:
    """A push whose delivery has not left Bitbucket yet."""
    bitbucket.delivery_faults.hold(events="repo:push")
    await shop.push("main", {".nvmrc": f"{version}\n"})
    return bitbucket.delivered("repo:push")[-1]


async def deliver(sent: Sent, stage: Stage) -> None:
    url = f"{stage.penstock.url}{urlsplit(sent.hook.url).path}"
    answer = await stage.penstock.client.post(url, content=sent.body, headers={"Authorization": "", **sent.headers(1)})
    assert answer.status_code == 202, answer.text


def met(monkeypatch: pytest.MonkeyPatch, *uuids: str) -> set[str]:
    """Neither of these deliveries is processed before both are in the hands of a worker; those that were."""
    process, barrier, seen = InboxWorker._process, asyncio.Barrier(2), set[str]()

    async def together(self: InboxWorker, record: Record, delivery: Delivery) -> None:
        if delivery.request_uuid in uuids and delivery.request_uuid not in seen:
            async with asyncio.timeout(20):
                await barrier.wait()
            seen.add(delivery.request_uuid)
        await process(self, record, delivery)

    monkeypatch.setattr(InboxWorker, "_process", together)
    return seen


async def one_request(stage: Stage, shop: Repository, number: int, *, among: int) -> None:
    """That is open, of so many that there ever were, with the newest revision in it and nothing doubled."""
    asked = [one for one in stage.bitbucket.requests if (one.method, one.path[-13:]) == ("POST", "/pullrequests")]
    newest = await stage.newest(number)
    [request] = open_requests(shop)
    assert (len(shop.pull_requests), [one.status for one in asked]) == (among, [201] * among)
    assert newest["pull_request_url"] == f"{shop.html}/pull-requests/{request.id}"
    assert (newest["delivered"], newest["problem"]) == ("waiting", None)
    assert "node:22-bookworm" in text_of(shop, ref="penstock/config")
    assert text_of(shop, ref="penstock/config") == newest["files"]["bitbucket-pipelines.yml"]


async def test_two_pushes_that_are_processed_at_once_are_one_pull_request(
    bitbucket: Simulator, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replicas(bitbucket, tmp_path, database_url) as (one, other):
        shop, number = await one.generate("shop", NODE)
        await one.merge(shop)
        first, second = await held(bitbucket, shop, "20"), await held(bitbucket, shop, "22")
        seen = met(monkeypatch, first.request_uuid, second.request_uuid) if one is not other else None

        await asyncio.gather(deliver(first, one), deliver(second, other))
        await one.quiet()

        assert seen is None or seen == {first.request_uuid, second.request_uuid}
        await one_request(one, shop, number, among=2)


async def test_a_push_while_another_replica_brings_the_one_before_is_the_same_pull_request(
    bitbucket: Simulator, tmp_path: Path, database_url: str
) -> None:
    async with replicas(bitbucket, tmp_path, database_url) as (one, other):
        shop, number = await one.generate("shop", NODE)
        await one.merge(shop)
        first, second = await held(bitbucket, shop, "20"), await held(bitbucket, shop, "22")
        bitbucket.route_faults.delay("POST", "/pullrequests$", 0.5)
        pushed = len(bitbucket.requests)

        await deliver(first, one)
        await one.until(
            lambda: any("/src" in each.path and each.method == "POST" for each in list(bitbucket.requests)[pushed:])
        )
        await deliver(second, other)
        await one.quiet()

        await one_request(one, shop, number, among=2)
