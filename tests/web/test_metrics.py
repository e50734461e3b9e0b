"""`/metrics` and the insights: who may read them, and that they say what is so."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from service.store.tables import deliveries, executions
from tests.living import Living, client_of, living, push, status
from tests.web.people import ADMIN, OWNER, STRANGER, VIEWER, People, people_of

pytestmark = pytest.mark.anyio

COMMIT = "a" * 40
LINE = re.compile(r'[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+\Z')


@pytest.fixture
async def people(penstock: Living) -> People:
    return await people_of(penstock)


def samples(text: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


async def scraped(penstock: Living, **headers: str) -> httpx.Response:
    async with client_of(penstock.url) as prometheus:
        return await prometheus.get(
            "/metrics", headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


async def test_what_a_prometheus_on_this_machine_reads(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    await penstock.deliver("repo:push", push("main", COMMIT))
    await penstock.settled()
    async with penstock.house.recorder.record() as record:
        await record.connection.execute(update(deliveries).values(status="dead"))

    answer = await scraped(penstock)
    found = samples(answer.text)

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert all(LINE.match(line) for line in answer.text.splitlines() if not line.startswith("#")), answer.text
    assert found["penstock_executions_total"] == 1
    assert found['penstock_executions_running{status="PLANNED"}'] == 1
    assert found['penstock_executions_running{status="DEPLOYING"}'] == 0
    assert found["penstock_deliveries_waiting"] == 0
    assert found["penstock_deliveries_dead"] == 1
    assert found['penstock_work_waiting{kind="deadline"}'] >= 1
    assert found["penstock_workers_alive"] == 1
    assert found["penstock_log_entries_total"] >= 3
    names = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_who_came_through_a_proxy_is_not_from_here(penstock: Living, header: str) -> None:
    assert (await scraped(penstock, **{header: "127.0.0.1"})).status_code == 401


async def test_elsewhere_an_administrators_token_opens_it_and_no_other(people: People) -> None:
    far = {"X-Forwarded-For": "203.0.113.9"}

    found = {
        role: (await scraped(people.penstock, **far, **people.as_(role))).status_code
        for role in (ADMIN, OWNER, STRANGER, VIEWER)
    }

    assert found == {ADMIN: 200, OWNER: 403, STRANGER: 403, VIEWER: 403}
    assert (await scraped(people.penstock, Authorization="Bearer wrong")).status_code == 401


async def test_metrics_name_nothing_of_anybodys(penstock: Living) -> None:
    await penstock.client.post(
        "/api/credentials", json={"kind": "access_token", "token": "ATCTT3xFfGN0", "name": "Ours"}
    )

    text = (await scraped(penstock)).text

    assert "penstock_credential_calls_left{" in text
    assert not any(word in text for word in ("acme", "shop", "Ours", "ATCTT3xFfGN0", "ada"))


async def deployed(penstock: Living) -> int:
    """A push, and its run that went well; the pipeline's number."""
    await penstock.deliver("repo:push", push("main", COMMIT))
    await penstock.settled()
    at = (penstock.house.recorder.now() + timedelta(seconds=5)).isoformat()
    await penstock.deliver("repo:commit_status_updated", status(1, "SUCCESSFUL", COMMIT, at=at))
    [execution] = await penstock.executions()
    assert execution["status"] == "SUCCESS"
    return int(execution["pipeline_id"])


async def test_what_was_deployed_is_measured(penstock_on_each: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = await deployed(penstock_on_each)

    later = penstock_on_each.house.recorder.now() + timedelta(minutes=1)
    monkeypatch.setattr(penstock_on_each.house.recorder, "now", lambda: later)  # Bitbucket's clock may be ahead of ours
    [found] = (await penstock_on_each.get("/api/insights/dora", days=7))["items"]

    assert (found["pipeline_id"], found["environment"]) == (pipeline, "production")
    assert (found["deployments"], found["failures"], found["change_failure_rate"]) == (1, 0, 0)
    assert found["deployments_per_day"] == pytest.approx(1 / 7, abs=1e-3)
    assert found["lead_time_seconds"] >= 0
    assert sum(day["deployments"] for day in found["days"]) == 1


async def test_only_ones_own_is_measured(people: People) -> None:
    await deployed(people.penstock)

    assert (await people.ask(STRANGER, "GET", "/api/insights/dora")).json() == {"items": [], "next_cursor": None}
    assert "acme/shop" not in (await people.ask(STRANGER, "GET", "/insights")).text


@pytest.mark.parametrize(
    "query", ["days=0", "days=367", "days=-1", "days=week", "limit=0", "cursor=eA", "pipeline_id=x", "cursor=OTk5OTk"]
)
async def test_a_wrong_question_is_422(penstock: Living, query: str) -> None:
    answer = await penstock.client.get(f"/api/insights/dora?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


@pytest.fixture
async def busy(penstock: Living, monkeypatch: pytest.MonkeyPatch) -> Living:
    pipeline = await deployed(penstock)
    async with penstock.house.recorder.record() as record:
        values = {"environment": "<b>prod</b>", "completed_at": record.now}
        await record.connection.execute(update(executions).where(executions.c.pipeline_id == pipeline).values(values))
    later = penstock.house.recorder.now() + timedelta(minutes=1)
    monkeypatch.setattr(penstock.house.recorder, "now", lambda: later)
    return penstock


async def test_the_page_draws_it_and_needs_nothing_from_elsewhere(busy: Living) -> None:
    page = await busy.client.get("/insights?days=90")

    assert page.status_code == 200
    assert "acme/shop" in page.text
    assert "&lt;b&gt;prod&lt;/b&gt;" in page.text
    assert page.text.count('<rect class="well"') == 1
    assert 'href="/insights?days=90" aria-current="true"' in page.text
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    assert "style=" not in page.text


async def test_without_a_deployment_the_page_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("quiet"))}) as quiet:
        assert "Nothing was deployed" in (await quiet.client.get("/insights?days=nonsense")).text
