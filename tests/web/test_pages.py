"""The pages over plain HTTP: who gets in, what the browser is told, and that nothing from outside becomes markup."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from service.simulator.credentials import Credential
from service.simulator.rest.app import TABLE
from service.store import accounts, log
from service.web.pages.words import ago, lasting, step_told
from tests.living import Living, client_of, living, push, status

pytestmark = pytest.mark.anyio

COMMIT = "4be0c0de" * 5
PAGES = ["/", "/connect", "/deliveries", "/pipelines/1", "/pipelines/1/rollback"]
HOSTILE = "<script>alert(1)</script><img/src=x/onerror=alert(2)>'\"&{{7*7}}"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Living]:
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path)}) as started:
        yield started


@pytest.fixture
async def visitor(service: Living) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without scripts: it keeps cookies and follows nothing by itself."""
    async with client_of(service.url) as client:
        yield client


async def ticket_for(service: Living, name: str, *, minutes: float = 5) -> str:
    """A way in for an account, which is made if it is not there."""
    async with service.house.recorder.record() as record:
        user = await accounts.user_named(record.connection, name)
        number = (
            user.id if user else await accounts.add_user(record.connection, name, None, is_admin=False, now=record.now)
        )
        ends = record.now + timedelta(minutes=minutes)
        return await accounts.add_ticket(record.connection, user_id=number, expires_at=ends)


async def sign_in(service: Living, visitor: httpx.AsyncClient, name: str = "ada") -> None:
    ticket = await ticket_for(service, name)
    assert (await visitor.get("/sign-in", params={"ticket": ticket})).status_code == 303


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_sends_who_is_not_signed_in_to_the_sign_in_page(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_ticket_lets_in_once(service: Living, visitor: httpx.AsyncClient) -> None:
    ticket = await ticket_for(service, "ada")

    first = await visitor.get("/sign-in", params={"ticket": ticket})
    cookie = first.headers["set-cookie"].lower()
    inside = await visitor.get("/")
    visitor.cookies.clear()
    second = await visitor.get("/sign-in", params={"ticket": ticket})

    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "Signed in as ada" in inside.text
    assert second.status_code == 410
    assert "This link has been used already, or has expired." in second.text
    assert "set-cookie" not in second.headers


async def test_of_two_that_come_with_one_ticket_at_once_one_gets_in(service: Living) -> None:
    ticket = await ticket_for(service, "ada")
    address = f"{service.url}/sign-in?ticket={ticket}"

    async with httpx.AsyncClient() as one, httpx.AsyncClient() as other:
        answers = await asyncio.gather(one.get(address), other.get(address))

    assert sorted(answer.status_code for answer in answers) == [303, 410]


@pytest.mark.parametrize("ticket", ["", "never-issued", "x" * 5000, "%00", "é"])
async def test_a_ticket_that_was_never_issued_is_refused(visitor: httpx.AsyncClient, ticket: str) -> None:
    answer = await visitor.get(f"/sign-in?ticket={ticket}")

    assert answer.status_code == 410


async def test_an_expired_ticket_is_refused(service: Living, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/sign-in", params={"ticket": await ticket_for(service, "ada", minutes=-1)})

    assert answer.status_code == 410


async def test_looking_whether_a_link_is_alive_does_not_use_it_up(service: Living, visitor: httpx.AsyncClient) -> None:
    address = f"/sign-in?ticket={await ticket_for(service, 'ada')}"

    looked = await visitor.head(address)
    ahead = await visitor.get(address, headers={"Sec-Purpose": "prefetch;prerender"})
    opened = await visitor.get(address)

    assert (looked.status_code, ahead.status_code, opened.status_code) == (200, 200, 303)


async def test_who_is_signed_in_is_sent_on_from_the_sign_in_page(service: Living, visitor: httpx.AsyncClient) -> None:
    await sign_in(service, visitor)

    answer = await visitor.get("/sign-in")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_signing_out_closes_the_pages(service: Living, visitor: httpx.AsyncClient) -> None:
    await sign_in(service, visitor)

    assert (await visitor.delete("/api/session")).status_code == 204
    assert (await visitor.get("/")).status_code == 303


@pytest.mark.parametrize("path", [*PAGES, "/pipelines/77", "/sign-in"])
async def test_a_page_lets_nothing_in_but_its_own(service: Living, visitor: httpx.AsyncClient, path: str) -> None:
    if path != "/sign-in":
        await sign_in(service, visitor)

    answer = await visitor.get(path)

    assert dict(answer.headers) | {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "content-type": "text/html; charset=utf-8",
    } == dict(answer.headers)


@pytest.mark.parametrize("path", [*PAGES, "/pipelines/77", "/sign-in"])
async def test_a_page_keeps_to_that_itself(service: Living, visitor: httpx.AsyncClient, path: str) -> None:
    await service.deliver("repo:push", push("main", COMMIT))
    await service.settled()
    if path != "/sign-in":
        await sign_in(service, visitor)

    html = (await visitor.get(path)).text

    assert re.findall(r"<script(?! type=\"module\" src=\"/static/)|<style| style=| on[a-z]+=|javascript:", html) == []
    assert {address[0] for address in re.findall(r"(?:src|href)=\"([^\"]*)", html)} <= {"/", "#"}


@pytest.mark.parametrize("path", ["/", "/deliveries", "/pipelines/1"])
async def test_what_comes_from_outside_is_text(service: Living, visitor: httpx.AsyncClient, path: str) -> None:
    """F11, F12: names of branches, messages, authors and reasons."""
    hostile_push = push(HOSTILE, COMMIT, message=f"{HOSTILE}\n")
    hostile_push["push"]["changes"][0]["new"]["target"]["author"]["raw"] = f"{HOSTILE} <x@example.com>"
    await service.deliver("repo:push", hostile_push)
    await service.deliver(
        "repo:commit_status_updated", status(7, "INPROGRESS", COMMIT, branch=HOSTILE, at="2026-03-01T09:30:20Z")
    )
    await service.settled()
    await sign_in(service, visitor)

    html = (await visitor.get(path)).text

    assert HOSTILE not in html
    assert "<script>alert" not in html
    assert HOSTILE in unescape(html)


async def test_the_dashboard_shows_what_runs_and_what_came(service: Living, visitor: httpx.AsyncClient) -> None:
    await service.deliver("repo:push", push("main", COMMIT))
    await service.deliver(
        "repo:commit_status_created", status(7, "INPROGRESS", COMMIT, at="2026-03-01T09:30:20.000000+00:00")
    )
    await service.settled()
    await sign_in(service, visitor)

    html = (await visitor.get("/")).text

    assert re.findall(r'data-execution="(\d+)"', html) == ["1"]
    assert 'aria-label="Step 2 of 5, building"' in html
    assert [text in html for text in ("acme/shop", "#7", COMMIT[:7], "Sell more shoes", "production")] == [True] * 5
    assert re.findall(r'<span class="verdict" data-verdict="(\w+)"', html) == ["applied", "opened"]


async def test_a_failed_execution_is_shown_with_where_and_why(service: Living, visitor: httpx.AsyncClient) -> None:
    for state, second in (("INPROGRESS", 20), ("FAILED", 50)):
        said = status(7, state, COMMIT, at=f"2026-03-01T09:30:{second}Z")
        await service.deliver("repo:commit_status_updated", said)
    await service.settled()
    await sign_in(service, visitor)

    html = (await visitor.get("/pipelines/1")).text

    assert 'aria-label="Failed at step 2 of 5, building"' in html
    assert "Bitbucket reports that the run failed" in html
    assert ">30 s<" in html
    assert html.count("<td>webhook</td>") == 2


async def test_the_cursor_of_a_page_is_the_logs(service: Living, visitor: httpx.AsyncClient) -> None:
    await sign_in(service, visitor)
    async with service.house.database.read() as connection:
        _, last = await log.bounds(connection)

    html = (await visitor.get("/")).text

    assert f'data-cursor="{last}" data-stream="/api/events"' in html


async def test_what_commits_while_a_page_is_read_comes_by_the_stream(
    service: Living, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor is read first: an entry between the two is told twice rather than never."""
    await sign_in(service, visitor)
    read = log.bounds
    asked: list[int] = []

    async def bounds_before_a_push(connection: object) -> tuple[int, int]:
        found = await read(connection)  # type: ignore[arg-type]
        asked.append(found[1])
        await service.connect("acme/books")
        return found

    monkeypatch.setattr(log, "bounds", bounds_before_a_push)
    html = (await visitor.get("/")).text
    monkeypatch.undo()
    async with service.house.database.read() as connection:
        missed = await log.read_after(connection, int(re.findall(r'data-cursor="(\d+)"', html)[0]))

    assert "pipeline.created" in [entry.kind for entry in missed]


async def test_nobody_sees_what_belongs_to_others(service: Living, visitor: httpx.AsyncClient) -> None:
    await service.deliver("repo:push", push("main", COMMIT))
    await service.settled()
    await sign_in(service, visitor, "guest")

    seen = [await visitor.get(path) for path in ("/", "/deliveries", "/pipelines/1", "/pipelines/77")]

    assert [answer.status_code for answer in seen] == [200, 200, 404, 404]
    assert [answer.text for answer in seen if "acme" in answer.text or COMMIT[:7] in answer.text] == []
    assert seen[2].text == seen[3].text


async def test_the_table_goes_on_where_a_page_ends(
    service: Living, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.pages.dashboard.MOST_PIPELINES", 2)
    for name in ("acme/b", "acme/a"):
        await service.connect(name)
    await sign_in(service, visitor)

    first = (await visitor.get("/")).text
    second = (await visitor.get("/?after=2")).text

    names = re.compile(r'data-part="name">(acme/\w+)<')
    assert names.findall(first) == ["acme/b", "acme/shop"]
    assert 'href="/?after=2"' in first
    assert names.findall(second) == ["acme/a"]
    assert 'href="/?after=' not in second


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=" + "9" * 40, "after=%EF%BC%93"])
async def test_a_place_that_is_none_does_no_harm(service: Living, visitor: httpx.AsyncClient, query: str) -> None:
    await sign_in(service, visitor)

    assert (await visitor.get(f"/?{query}")).status_code == 200
    assert (await visitor.get(f"/deliveries?{query.replace('after', 'before')}")).status_code == 200


async def test_static_files_are_sent_again_only_when_they_have_changed(visitor: httpx.AsyncClient) -> None:
    first = await visitor.get("/static/penstock.css")
    again = await visitor.get("/static/penstock.css", headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, first.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert (first.headers["cache-control"], first.headers["x-content-type-options"]) == ("no-cache", "nosniff")
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["live.js", "favicon.svg"])
async def test_scripts_and_pictures_have_their_types(visitor: httpx.AsyncClient, name: str) -> None:
    answer = await visitor.get(f"/static/{name}")

    assert answer.headers["content-type"].partition(";")[0] in ("text/javascript", "image/svg+xml")


async def test_C6_thousands_of_ranges_get_the_whole_file_once(visitor: httpx.AsyncClient) -> None:
    ranges = ",".join(f"{place}-{place}" for place in range(0, 9000, 2))

    whole = await visitor.get("/static/penstock.css")
    asked = await visitor.get("/static/penstock.css", headers={"Range": f"bytes={ranges}"[:30000]})

    assert (asked.status_code, asked.content) == (200, whole.content)


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2fpages/base.html",
        "/static/%2e%2e/pages/base.html",
        "/static/../pages/base.html",
        "/static/..%5cpages%5cbase.html",
        "/static/....//pages/base.html",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/penstock.css%00.js",
        "/static/../static-other/x",
        "/static/",
        "/static",
    ],
)
async def test_C8_no_path_leads_out_of_the_static_files(service: Living, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(service.url).port)
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.split(b" ")[1] in (b"404", b"307")
    assert b"<!doctype" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""),
        (-3, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 m 0 s"),
        (252, "4 m 12 s"),
        (7500, "2 h 5 m"),
        (273600, "3 d 4 h"),
    ],
)
async def test_a_length_of_time_has_two_units(seconds: float | None, told: str) -> None:
    assert lasting(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (7200, "2 h ago"), (200000, "2 d ago")]
)
async def test_a_moment_is_told_by_how_long_ago_it_was(seconds: float, told: str) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert ago(now - timedelta(seconds=seconds), now) == told


@pytest.mark.parametrize(
    ("stage", "state", "told"),
    [
        ("PLANNED", "PLANNED", "Step 1 of 5, planned"),
        ("SUCCESS", "SUCCESS", "Step 5 of 5, success"),
        ("TESTING", "FAILED", "Failed at step 3 of 5, testing"),
    ],
)
async def test_the_track_is_told_in_words(stage: str, state: str, told: str) -> None:
    assert step_told(stage, state) == told


async def test_the_page_to_connect_on_names_the_scopes_of_all_that_is_asked_of_bitbucket(
    service: Living, visitor: httpx.AsyncClient
) -> None:
    """But for what only an administrator's token may: to look whether Pipelines is on, which is done without."""
    await sign_in(service, visitor)
    shown = (await visitor.get("/connect")).text
    named = frozenset(re.findall(r"<code>([a-z]+(?::[a-z]+)?)</code> \(under", shown))
    wanted = {scope for _, _, _, scope in TABLE} - {"repository:admin"}

    assert {scope for scope in wanted if not Credential("", named).grants(scope)} == set()
    assert named <= wanted
