"""Writes of many in one transaction: few commits, and nobody pays for another's mistake."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from sqlalchemy import select

from service.recorder import Record
from service.store.tables import repositories
from service.workers.together import MOST, Together
from tests.notifications.office import Office

pytestmark = pytest.mark.anyio


async def connects(slug: str, record: Record) -> str:
    """A step that writes, and fails for the one name that is there already."""
    row = {"workspace": "acme", "slug": slug, "connected_at": record.now}
    found = await record.connection.execute(select(repositories.c.id).where(repositories.c.slug == slug))
    await record.connection.execute(repositories.insert().values(row))
    if found.one_or_none() is not None:
        raise ValueError(slug)
    return slug


async def known(office: Office) -> set[str]:
    async with office.recorder.database.read() as connection:
        return set((await connection.execute(select(repositories.c.slug))).scalars())


async def test_what_is_asked_for_together_is_committed_together(office: Office) -> None:
    begun: list[Record] = []

    async def counted(slug: str, record: Record) -> str:
        if record not in begun:
            begun.append(record)
        return await connects(slug, record)

    names = [f"shop-{number}" for number in range(2 * MOST)]
    writes = Together(office.recorder)
    found = await asyncio.gather(*(writes.do(partial(counted, name)) for name in names))

    assert found == names
    assert await known(office) == {"shop", *names}
    assert len(begun) == 2


async def test_one_that_fails_is_undone_and_the_others_are_written(office: Office) -> None:
    writes = Together(office.recorder)
    asked = [writes.do(partial(connects, name)) for name in ("before", "shop", "after")]
    before, failed, after = await asyncio.gather(*asked, return_exceptions=True)

    assert (before, after) == ("before", "after")
    assert isinstance(failed, Exception)
    async with office.recorder.database.read() as connection:
        slugs = list((await connection.execute(select(repositories.c.slug))).scalars())
    assert sorted(slugs) == ["after", "before", "shop"]


async def test_what_nobody_waits_for_any_more_is_not_written(office: Office) -> None:
    writes = Together(office.recorder)
    asking = asyncio.create_task(writes.do(partial(connects, "never")))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await writes.do(partial(connects, "after"))

    assert await known(office) == {"shop", "after"}
