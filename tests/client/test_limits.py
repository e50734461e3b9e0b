"""Limits: Bitbucket's, which ask to wait, and our own, which all processes share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import httpx
import pytest

from service import clock
from service.client import Clients, NotAllowed, RateLimited, Unreachable
from service.client.budget import BROKEN_PAUSE, LONGEST_PAUSE, Budget
from service.client.errors import BudgetSpent
from service.client.refusals import retry_after
from service.simulator import Repository, Simulator
from service.store import buckets, credentials
from service.store.credentials import Credential
from service.store.database import Database
from service.vault import Vault
from tests.client.conftest import PER_HOUR, SHOP, TOKEN, Asking, add_credential
from tests.client.peer import Peer, hangs_up

pytestmark = pytest.mark.anyio


class Hands:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def budget_of(database: Database, credential: Credential, per_hour: int, now: Hands) -> Budget:
    return Budget(database, credential.id, credential.name, per_hour=per_hour, now=now)


async def taken(*budgets: Budget, tries: int, urgent: bool = False) -> int:
    """How many of so many calls each, asked for at once, are let through."""
    asked = [budget.take(urgent=urgent) for budget in budgets for _ in range(tries)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert all(result is None or isinstance(result, BudgetSpent) for result in results)
    return results.count(None)


async def test_processes_that_share_a_database_share_one_bucket(database: Database, vault: Vault) -> None:
    now = Hands(clock.now())
    credential = await add_credential(database, vault, per_hour=20)
    one, other = budget_of(database, credential, 20, now), budget_of(database, credential, 20, now)

    assert await taken(one, other, tries=15) == 20


async def test_the_bucket_fills_with_time_up_to_the_brim(database: Database, vault: Vault) -> None:
    now = Hands(clock.now())
    budget = budget_of(database, await add_credential(database, vault, per_hour=60), 60, now)
    full = await taken(budget, tries=70)
    now.forward(181)
    after_three_minutes = await taken(budget, tries=10)
    now.forward(10 * 3600)
    after_a_night = await taken(budget, tries=70)

    assert (full, after_three_minutes, after_a_night) == (60, 3, 60)


async def test_who_comes_too_early_is_told_when_to_come(database: Database, vault: Vault) -> None:
    now = Hands(clock.now())
    budget = budget_of(database, await add_credential(database, vault, per_hour=60), 60, now)
    await taken(budget, tries=60)

    with pytest.raises(BudgetSpent, match="'deploys' has used its 60 calls per hour") as caught:
        await budget.take()
    assert timedelta(0) < caught.value.until - now() <= timedelta(minutes=1.1)
    now.at = caught.value.until + timedelta(seconds=1)
    await budget.take()


async def test_X36_only_what_a_person_asks_for_goes_beyond_the_budget_by_a_tenth(
    database: Database, vault: Vault
) -> None:
    now = Hands(clock.now())
    budget = budget_of(database, await add_credential(database, vault, per_hour=50), 50, now)
    by_itself = await taken(budget, tries=60)
    urgent = await taken(budget, tries=10, urgent=True)
    with pytest.raises(BudgetSpent) as caught:
        await budget.take()

    assert (by_itself, urgent) == (50, 5)
    assert caught.value.until - now() > timedelta(minutes=6)  # what was overdrawn flows in first


async def test_a_clock_that_is_behind_takes_nothing_away(database: Database, vault: Vault) -> None:
    now, behind = Hands(clock.now()), Hands(clock.now() - timedelta(minutes=10))
    credential = await add_credential(database, vault, per_hour=60)
    one, other = budget_of(database, credential, 60, now), budget_of(database, credential, 60, behind)

    assert (await taken(one, tries=30), await taken(other, tries=40)) == (30, 30)


async def test_a_credential_that_was_removed_asks_nothing_more(database: Database, vault: Vault) -> None:
    credential = await add_credential(database, vault)
    async with database.write() as connection:
        await credentials.remove(connection, credential)

    with pytest.raises(NotAllowed, match="'deploys' was removed"):
        await budget_of(database, credential, PER_HOUR, Hands(clock.now())).take()


async def test_X36_a_429_keeps_every_process_waiting_as_long_as_it_says(
    database: Database, vault: Vault, peer: Peer
) -> None:
    now = Hands(clock.now())
    credential = await add_credential(database, vault)
    one, other = budget_of(database, credential, PER_HOUR, now), budget_of(database, credential, PER_HOUR, now)
    waited = await one.rate_limited(120)
    now.forward(30)

    with pytest.raises(RateLimited, match="'deploys'") as caught:
        await other.take(urgent=True)
    assert (waited, caught.value.retry_after) == (120, 90)
    now.forward(90)
    await other.take()


async def test_an_earlier_end_does_not_shorten_a_wait(database: Database, vault: Vault) -> None:
    now = Hands(clock.now())
    budget = budget_of(database, await add_credential(database, vault), PER_HOUR, now)
    await budget.rate_limited(120)
    await budget.rate_limited(1)
    now.forward(60)

    with pytest.raises(RateLimited):
        await budget.take()


async def test_X36_a_429_that_does_not_say_how_long_is_waited_out_longer_each_time(
    sqlite: Database, vault: Vault
) -> None:
    budget = budget_of(sqlite, await add_credential(sqlite, vault), PER_HOUR, Hands(clock.now()))
    waits = [await budget.rate_limited(None) for _ in range(12)]
    await budget.worked()
    after_success = await budget.rate_limited(None)

    assert all(later > earlier * 0.9 for earlier, later in pairwise(waits[:6]))
    assert LONGEST_PAUSE / 2 <= waits[-1] <= LONGEST_PAUSE
    assert after_success <= 5


async def test_X36_a_429_of_bitbucket_stops_this_credential_and_no_other(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_token("another-token")
    limited = await clients.of((await add_credential(sqlite, vault)).id)
    other = await clients.of((await add_credential(sqlite, vault, secret="another-token")).id)
    bitbucket.route_faults.answer("GET", "/pipelines$", 429, headers={"Retry-After": "30"})

    for _ in range(3):
        with pytest.raises(RateLimited, match="30 s") as caught:
            await limited.runs(SHOP)
        assert 25 < caught.value.retry_after <= 30
    assert len(bitbucket.requests) == 1
    assert await other.runs(SHOP) == []


async def test_every_try_is_a_call_of_the_budget(asking: Asking, peer: Peer, sqlite: Database) -> None:
    peer.plays(hangs_up())
    with pytest.raises(Unreachable):
        await asking.client.runs(SHOP)
    async with sqlite.read() as connection:
        bucket = await buckets.bucket(connection, 1, buckets.Pace(PER_HOUR, PER_HOUR), clock.now())
        left = await connection.exec_driver_sql("SELECT calls_left FROM credentials")

    assert bucket
    assert PER_HOUR - 3 <= left.scalar_one() < PER_HOUR - 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("٣", None),
        ("Mon, 99999999999999999999 Jan 2020 00:00:00 GMT", None),
        (format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True), 0),
        (format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True), 3600),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(httpx.Headers({"Retry-After": text.encode()})) == seconds


async def test_X39_a_refused_credential_is_broken_and_not_tried_again_for_a_while(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    credential = await add_credential(sqlite, vault, secret="revoked-token")
    client = await clients.of(credential.id)

    for _ in range(3):
        with pytest.raises(NotAllowed, match=r"refuses the credential 'deploys'.*make a new token") as caught:
            await client.runs(SHOP)
        assert (caught.value.credential, caught.value.status) == ("deploys", 401)
    async with sqlite.read() as connection:
        known = await credentials.by_id(connection, credential.id)
    assert len(bitbucket.requests) == 1
    assert known
    assert known.broken
    assert known.broken_at


async def test_X39_a_broken_credential_that_works_again_is_not_broken_any_more(
    database: Database, vault: Vault
) -> None:
    now = Hands(clock.now())
    credential = await add_credential(database, vault)
    budget = budget_of(database, credential, PER_HOUR, now)
    await budget.refused("revoked")
    with pytest.raises(NotAllowed, match="revoked"):
        await budget.take()
    now.forward(BROKEN_PAUSE)
    await budget.take()
    await budget.worked()
    async with database.read() as connection:
        known = await credentials.by_id(connection, credential.id)

    assert known
    assert known.broken is None


async def test_a_missing_scope_is_told_with_what_is_there_and_breaks_nothing(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.credentials.add_token("reader", frozenset({"repository", "pipeline"}))
    credential = await add_credential(sqlite, vault, secret="reader")
    client = await clients.of(credential.id)

    with pytest.raises(NotAllowed, match="lacks a scope of pipeline:write, it has pipeline, repository") as caught:
        await client.start_run(SHOP, branch="main")
    assert (caught.value.required, caught.value.granted) == (("pipeline:write",), ("pipeline", "repository"))
    assert await client.runs(SHOP) == []


async def test_a_token_that_bitbucket_knows_stays_unbroken(
    clients: Clients, sqlite: Database, vault: Vault, shop: Repository
) -> None:
    credential = await add_credential(sqlite, vault, secret=TOKEN)
    await (await clients.of(credential.id)).runs(SHOP)
    async with sqlite.read() as connection:
        assert await credentials.by_id(connection, credential.id) == credential
