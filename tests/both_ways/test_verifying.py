"""Health checks: what Bitbucket calls successful is not SUCCESS before the environment says so itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service.simulator import Run
from service.store import environments
from tests.both_ways.conftest import Both
from tests.living import Living, status

pytestmark = [pytest.mark.anyio, pytest.mark.long]


class Site:
    """A deployed site: it answers with the first of `answers` until one is left, and counts who asks."""

    def __init__(self) -> None:
        self.answers = [200]
        self.asked = 0
        self.port = 0
        self.silent: list[asyncio.StreamWriter] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        code = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not code:  # it takes the request and says nothing
            self.silent.append(writer)
            return
        writer.write(f"HTTP/1.1 {code} Hm\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def check(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{self.port}/healthz", "attempts": 3, "interval_seconds": 0}


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    server.close()
    for writer in site.silent:
        writer.close()


@pytest.fixture
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


async def checked(penstock: Living, pipeline_id: int, check: dict[str, Any] | None) -> None:
    path = f"/api/pipelines/{pipeline_id}/environments/production"
    answer = await penstock.client.put(path, json={"health_check": check})
    assert answer.status_code == 200, answer.text


async def deployed(both: Both) -> Run:
    run = await both.shop.start_run("main")
    await run.finish()
    return run


def moves(execution: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["trigger"], one["source"]) for one in execution["transitions"] if one["outcome"] == "applied"]


async def test_a_site_that_answers_makes_the_run_a_success(both: Both, site: Site) -> None:
    await checked(both.penstock, both.pipeline_id, site.check)
    run = await deployed(both)

    execution = await both.execution(run, status="SUCCESS", confirmed=True)

    assert moves(execution)[-2:] == [("verify", "api"), ("succeed", "probe")]
    assert (
        execution["health_check"] | {"state": "passed", "tries": 1, "status": 200, "error": None}
        == (execution["health_check"])
    )


async def test_a_site_that_comes_up_late_is_asked_again(both: Both, site: Site) -> None:
    site.answers = [502, 503, 200]
    await checked(both.penstock, both.pipeline_id, site.check)
    run = await deployed(both)

    execution = await both.execution(run, status="SUCCESS")

    assert (execution["health_check"]["tries"], site.asked) == (3, 3)


async def test_until_it_answers_the_run_is_deploying(both: Both, site: Site) -> None:
    site.answers = [503]
    await checked(both.penstock, both.pipeline_id, {**site.check, "attempts": 60, "interval_seconds": 1})
    run = await deployed(both)
    await both.until(lambda: _asked(site, 2))  # what the first time told is written down by then

    during = await both.execution(run, status="DEPLOYING", confirmed=True)
    site.answers = [200]

    assert during["completed_at"] is None
    assert during["health_check"]["state"] == "waiting"
    assert during["health_check"]["error"] == "it answered 503, and 200 is expected"
    await both.execution(run, status="SUCCESS")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(500, "it answered 500, and 200 is expected"), (0, "no whole answer within 1 seconds")],
    ids=["a wrong status", "silence"],
)
async def test_a_site_that_stays_ill_fails_the_run_with_the_reason(
    both: Both, site: Site, code: int, reason: str
) -> None:
    site.answers = [code]
    await checked(both.penstock, both.pipeline_id, {**site.check, "timeout_seconds": 1})
    run = await deployed(both)

    execution = await both.execution(run, status="FAILED", confirmed=True)

    assert execution["error_message"] == f"health check: {reason} ({site.check['url']}, asked 3 times)"
    assert (execution["health_check"]["state"], execution["health_check"]["tries"]) == ("failed", 3)
    assert moves(execution)[-2:] == [("verify", "api"), ("fail", "probe")]


async def test_a_rerun_is_asked_about_anew(both: Both, site: Site) -> None:
    site.answers = [500, 500, 500, 200]
    await checked(both.penstock, both.pipeline_id, site.check)
    run = await deployed(both)
    await both.execution(run, status="FAILED")

    await run.rerun()
    await run.finish()

    execution = await both.execution(run, status="SUCCESS", attempt=2)
    assert execution["health_check"]["tries"] == 1


async def test_a_run_that_bitbucket_calls_failed_asks_nobody(both: Both, site: Site) -> None:
    await checked(both.penstock, both.pipeline_id, site.check)
    run = await both.shop.start_run("main")
    await run.finish("FAILED")

    execution = await both.execution(run, status="FAILED")

    assert (site.asked, execution["health_check"]) == (0, None)


async def test_a_forged_status_has_nobody_asked(both: Both, site: Site) -> None:
    await checked(both.penstock, both.pipeline_id, site.check)
    run = await both.shop.start_run("main")
    await both.execution(run, status="BUILDING")
    await both.shop.announce_run(run, "SUCCESSFUL")
    await both.penstock.settled()

    execution = await both.execution(run)

    assert (execution["status"], execution["confirmed"], site.asked) == ("BUILDING", True, 0)


async def test_the_environment_is_locked_until_the_site_has_answered(both: Both, site: Site) -> None:
    site.answers = [503]
    await checked(both.penstock, both.pipeline_id, {**site.check, "attempts": 60, "interval_seconds": 1})
    run = await deployed(both)
    await both.until(lambda: _asked(site, 1))
    path = f"/api/pipelines/{both.pipeline_id}/trigger"
    during = await both.post(path, {"branch": "main"})
    site.answers = [200]
    await both.execution(run, status="SUCCESS")

    assert during.status_code == 409
    assert (await both.post(path, {"branch": "main"})).status_code == 202


async def test_without_a_credential_the_webhooks_word_is_verified_too(penstock: Living, site: Site) -> None:
    pipeline = (await penstock.get("/api/pipelines"))["items"][0]
    async with penstock.house.recorder.record() as record:  # private addresses are for those who allow them
        environment = await environments.named(record.connection, pipeline["id"], "production")
        assert environment is not None
        await environments.change(record.connection, environment.id, health_check={**site.check, "attempts": 1})
    for state, minute in (("INPROGRESS", "31"), ("SUCCESSFUL", "32")):
        at = f"2026-03-01T09:{minute}:00+00:00"
        await penstock.deliver("repo:commit_status_updated", status(7, state, "a" * 40, at=at))

    [execution] = await penstock.executions()
    for _ in range(400):
        [execution] = await penstock.executions()
        if execution["status"] in ("SUCCESS", "FAILED"):
            break
        await asyncio.sleep(0.05)

    assert (execution["status"], execution["confirmed"]) == ("FAILED", False)
    assert execution["error_message"].startswith("health check: ")
    assert site.asked == 0  # the address is private, and this service asks only public ones


async def _asked(site: Site, times: int) -> bool:
    return site.asked >= times
