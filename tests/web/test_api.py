"""The API's first doors, over real HTTP: who gets in, what he sees, and what he is told when he is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from service import passwords
from service.store import accounts, members
from tests.living import Living, client_of, push, status

pytestmark = pytest.mark.anyio

HUGE = 2**63
COMMIT = "a" * 40


@asynccontextmanager
async def somebody_else(penstock: Living, name: str = "bob") -> AsyncIterator[httpx.AsyncClient]:
    """An account without any rights yet, and its own way in."""
    async with penstock.house.recorder.record() as record:
        number = await accounts.add_user(record.connection, name, None, is_admin=False, now=record.now)
        token = await accounts.add_token(record.connection, number, "tests", now=record.now, expires_at=None)
    headers = {"Authorization": f"Bearer {token}"}
    async with client_of(penstock.url, headers=headers, timeout=20) as client:
        yield client


async def give(penstock: Living, repository_id: int, role: str, name: str = "bob") -> None:
    async with penstock.house.recorder.record() as record:
        user = await accounts.user_named(record.connection, name)
        assert user is not None
        await members.set_role(record.connection, repository_id, user.id, role)


def problem(answer: httpx.Response, status_code: int) -> Any:
    """The answer's content, which is a problem of that status."""
    assert answer.status_code == status_code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == status_code
    assert {"type", "title", "detail"} <= set(content)
    return content


def fields(content: Any) -> list[str]:
    return [error["field"] for error in content["errors"]]


# Who gets in


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer pst_invented"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YWRhOmFkYQ=="},
        {"Authorization": "Bearer \xff\xfe"},
        {"Cookie": "session=invented"},
    ],
    ids=["nothing", "invented", "empty", "basic", "not-ascii", "cookie"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/repositories"),
        ("POST", "/api/repositories"),
        ("DELETE", "/api/repositories/1"),
        ("POST", "/api/repositories/1/rotate-secret"),
        ("GET", "/api/pipelines/1"),
        ("GET", "/api/executions/1"),
        ("GET", "/api/deliveries"),
        ("GET", "/api/events"),
        ("DELETE", "/api/session"),
    ],
)
async def test_who_shows_nothing_valid_is_told_how_to_get_in(
    penstock: Living, method: str, path: str, headers: dict[str, str]
) -> None:
    async with client_of(penstock.url) as client:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await client.request(method, path, headers=raw)

    assert "penstock token create" in problem(answer, 401)["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_a_machine_asks_before_it_has_a_token_is_open(penstock: Living) -> None:
    async with client_of(penstock.url) as client:
        answers = [await client.get(path) for path in ("/healthz", "/readyz")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["status"] == "ready"


@pytest.fixture
async def browser(penstock: Living) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in as grace, an administrator."""
    async with penstock.house.recorder.record() as record:
        hashed = passwords.hash_password("correct horse battery")
        await accounts.add_user(record.connection, "grace", hashed, is_admin=True, now=record.now)
    async with client_of(penstock.url) as client:
        said = {"username": "grace", "password": "correct horse battery"}
        assert (await client.post("/api/session", json=said)).status_code == 204
        yield client


async def test_signing_in_lets_a_browser_in_and_signing_out_ends_it(browser: httpx.AsyncClient) -> None:
    before = await browser.get("/api/repositories")
    session = browser.cookies["session"]
    out = await browser.delete("/api/session")
    browser.cookies.set("session", session)  # what somebody kept of it is worth nothing

    assert (before.status_code, out.status_code) == (200, 204)
    problem(await browser.get("/api/repositories"), 401)


async def test_the_session_is_a_cookie_that_no_script_and_no_other_site_gets(browser: httpx.AsyncClient) -> None:
    said = {"username": "grace", "password": "correct horse battery"}
    cookie = (await browser.post("/api/session", json=said)).headers["set-cookie"].lower()

    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age="))


@pytest.mark.parametrize(
    ("name", "password"), [("grace", "wrong"), ("nobody", "correct horse battery"), ("gr\x00ace", ""), ("ada", "")]
)
async def test_a_wrong_name_and_a_wrong_password_look_alike(
    browser: httpx.AsyncClient, name: str, password: str
) -> None:
    answer = await browser.post("/api/session", json={"username": name, "password": password})

    assert problem(answer, 401)["detail"] == "unknown name or wrong password"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Origin": "{own}"}, False),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, True),
    ],
)
async def test_a_cookie_that_another_sites_page_brings_changes_nothing(
    penstock: Living, browser: httpx.AsyncClient, headers: dict[str, str], refused: bool
) -> None:
    sent = {name: value.replace("{own}", penstock.url) for name, value in headers.items()}

    reading = await browser.get("/api/repositories", headers=sent)
    changing = await browser.post("/api/repositories", json={"workspace": "acme", "slug": "new"}, headers=sent)

    assert reading.status_code == 200
    assert changing.status_code == (403 if refused else 201)
    assert len((await penstock.get("/api/repositories"))["items"]) == (1 if refused else 2)


async def test_a_token_is_not_a_cookie_and_may_come_from_anywhere(penstock: Living) -> None:
    answer = await penstock.client.post(
        "/api/repositories",
        json={"workspace": "acme", "slug": "new"},
        headers={"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 201


async def test_another_sites_page_signs_nobody_in(browser: httpx.AsyncClient) -> None:
    said = {"username": "grace", "password": "correct horse battery"}

    answer = await browser.post("/api/session", json=said, headers={"Origin": "https://evil.example"})

    problem(answer, 403)


# Repositories


async def test_connecting_answers_where_bitbucket_is_to_deliver_and_the_secret_this_once(penstock: Living) -> None:
    answer = await penstock.client.post("/api/repositories", json={"workspace": "Acme", "slug": "Web.Shop"})

    made = answer.json()
    shown = await penstock.get(answer.headers["location"])
    assert answer.status_code == 201
    assert (made["workspace"], made["slug"], made["full_name"]) == ("acme", "web.shop", "acme/web.shop")
    assert made["webhook"]["url"].startswith(f"{penstock.url}/webhooks/bitbucket/")
    assert len(made["webhook"]["secret"]) >= 32
    assert shown["webhook"]["url"] == made["webhook"]["url"]
    assert made["webhook"]["secret"] not in str(shown)
    assert made["webhook"]["secret"] not in str(await penstock.get("/api/repositories"))


async def test_a_repository_is_connected_once(penstock: Living) -> None:
    answer = await penstock.client.post("/api/repositories", json={"workspace": "ACME", "slug": "shop"})

    content = problem(answer, 409)
    assert content["existing_repository_id"] == penstock.hook.id
    assert "acme/shop is connected already" in content["detail"]


async def test_of_two_who_connect_it_at_once_one_is_told_that_it_is_connected(penstock_on_each: Living) -> None:
    async def connect() -> int:
        body = {"workspace": "acme", "slug": "new"}
        return (await penstock_on_each.client.post("/api/repositories", json=body)).status_code

    assert sorted(await asyncio.gather(*[connect() for _ in range(4)])) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["workspace"]),
        ({"workspace": "acme"}, ["slug"]),
        ({"workspace": "acme", "slug": ""}, ["slug"]),
        ({"workspace": "acme", "slug": 5}, ["slug"]),
        ({"workspace": "acme", "slug": ".."}, ["slug"]),
        ({"workspace": "ac me", "slug": "a/b"}, ["workspace", "slug"]),
        ({"workspace": "acme", "slug": "x" * 200}, ["slug"]),
        ({"workspace": "acme", "slug": "shop\x00"}, ["slug"]),
        ({"workspace": "acme", "slug": "new", "colour": "red"}, ["colour"]),
        ({"workspace": "acme", "slug": "new", "credential_id": "7"}, ["credential_id"]),
    ],
)
async def test_a_body_that_is_well_formed_and_wrong_is_a_422_that_names_the_fields(
    penstock: Living, body: dict[str, Any], named: list[str]
) -> None:
    content = problem(await penstock.client.post("/api/repositories", json=body), 422)

    assert fields(content) == named
    assert all(error["message"] for error in content["errors"])


@pytest.mark.parametrize(
    ("sent", "media", "status_code"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"workspace": "\xff"}', "application/json", 400),
        (b'{"workspace": "\\ud800", "slug": "x"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"workspace": 5', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"workspace=acme", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{" + b" " * 1_048_576 + b"}", "application/json", 413),
    ],
    ids=[
        "cut",
        "empty",
        "not-utf8",
        "surrogate",
        "deep",
        "cut-after-a-wrong-type",
        "list",
        "form",
        "text",
        "no-type",
        "large",
    ],
)
async def test_a_body_that_is_not_ours_is_refused_by_what_is_wrong_with_it(
    penstock: Living, sent: bytes, media: str, status_code: int
) -> None:
    answer = await penstock.client.post("/api/repositories", content=sent, headers={"Content-Type": media})

    problem(answer, status_code)


async def test_after_a_rotation_both_secrets_are_accepted_and_the_new_one_is_shown_once(
    penstock_on_each: Living,
) -> None:
    penstock, old = penstock_on_each, penstock_on_each.hook.secret

    answer = await penstock.client.post(f"/api/repositories/{penstock.hook.id}/rotate-secret")
    before = await penstock.deliver("repo:push", push("main", COMMIT))
    penstock.hook.secret = answer.json()["webhook"]["secret"]
    after = await penstock.deliver("repo:push", push("main", "b" * 40))

    assert answer.status_code == 200
    assert penstock.hook.secret != old
    assert (before.status_code, after.status_code) == (202, 202)
    delivery = await penstock.get(f"/api/deliveries/{before.json()['delivery_id']}")
    assert delivery["flags"] == ["signed_with_previous_secret"]


async def test_of_two_rotations_at_once_neither_secret_is_worthless(penstock_on_each: Living) -> None:
    penstock = penstock_on_each
    path = f"/api/repositories/{penstock.hook.id}/rotate-secret"

    answers = await asyncio.gather(*[penstock.client.post(path) for _ in range(2)])

    accepted = []
    for number, answer in enumerate(answers):
        penstock.hook.secret = answer.json()["webhook"]["secret"]
        accepted.append((await penstock.deliver("repo:push", push("main", str(number) * 40))).status_code)
    assert accepted == [202, 202]


async def test_a_disconnected_repository_takes_no_deliveries_and_keeps_its_history(penstock: Living) -> None:
    await penstock.verdicts(await penstock.deliver("repo:push", push("main", COMMIT)))
    [execution] = await penstock.executions()

    gone = await penstock.client.delete(f"/api/repositories/{penstock.hook.id}")
    late = await penstock.deliver("repo:push", push("main", "b" * 40))

    assert (gone.status_code, late.status_code) == (204, 401)
    problem(await penstock.client.get(f"/api/repositories/{penstock.hook.id}"), 404)
    problem(await penstock.client.delete(f"/api/repositories/{penstock.hook.id}"), 404)
    assert (await penstock.get(f"/api/executions/{execution['id']}"))["id"] == execution["id"]
    assert (await penstock.get("/api/pipelines"))["items"][0]["is_active"] is False
    again = await penstock.client.post("/api/repositories", json={"workspace": "acme", "slug": "shop"})
    assert again.status_code == 201


# Whose it is


async def everything(penstock: Living) -> list[tuple[str, str]]:
    """Each way to one of the first repository's things."""
    answer = await penstock.deliver("repo:push", push("main", COMMIT))
    await penstock.settled()
    [execution] = await penstock.executions()
    repository, pipeline, delivery = penstock.hook.id, execution["pipeline_id"], answer.json()["delivery_id"]
    return [
        ("GET", f"/api/repositories/{repository}"),
        ("GET", f"/api/pipelines/{pipeline}"),
        ("GET", f"/api/pipelines/{pipeline}/executions"),
        ("GET", f"/api/executions/{execution['id']}"),
        ("GET", f"/api/deliveries/{delivery}"),
        ("POST", f"/api/deliveries/{delivery}/replay"),
        ("POST", f"/api/repositories/{repository}/rotate-secret"),
        ("DELETE", f"/api/repositories/{repository}"),
    ]


async def test_what_is_somebody_elses_looks_like_what_is_not_there(penstock_on_each: Living) -> None:
    paths = await everything(penstock_on_each)

    async with somebody_else(penstock_on_each) as bob:
        for method, path in paths:
            theirs = problem(await bob.request(method, path), 404)
            number = path.split("/")[3]
            nothing = problem(await bob.request(method, path.replace(number, "9" * len(number))), 404)
            assert theirs == nothing, path
        for path in ("/api/repositories", "/api/pipelines", "/api/deliveries"):
            assert (await bob.get(path)).json()["items"] == []
        refused = problem(await bob.post("/api/repositories", json={"workspace": "acme", "slug": "shop"}), 409)
        assert "existing_repository_id" not in refused


@pytest.mark.parametrize(("role", "may"), [("viewer", 5), ("operator", 6), ("owner", 8)])
async def test_a_role_may_do_what_its_name_says(penstock: Living, role: str, may: int) -> None:
    paths = await everything(penstock)

    async with somebody_else(penstock) as bob:
        await give(penstock, penstock.hook.id, role)
        answers = [(await bob.request(method, path)).status_code for method, path in paths]

    assert [answer < 300 for answer in answers[:may]] == [True] * may
    assert answers[may:] == [403] * (8 - may)


# Lists


async def pages(penstock: Living, path: str, limit: int) -> list[list[Any]]:
    found, cursor = [], None
    while True:
        page = await penstock.get(path, limit=limit, **({"cursor": cursor} if cursor else {}))
        found.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_pages_follow_one_another_without_gap_or_repeat_while_new_things_come(
    penstock_on_each: Living,
) -> None:
    penstock = penstock_on_each
    made = [penstock.hook.id] + [(await penstock.connect(f"acme/r{n}")).id for n in range(6)]
    for number in range(7):
        await penstock.deliver("repo:push", push("main", str(number) * 40))
    await penstock.settled()
    executions = f"/api/pipelines/{(await penstock.executions())[0]['pipeline_id']}/executions"

    for path in ("/api/repositories", "/api/pipelines", "/api/deliveries", executions):
        [whole] = await pages(penstock, path, 200)
        cut = await pages(penstock, path, 3)
        assert [len(page) for page in cut] == [3, 3, 1], path
        assert [number for page in cut for number in page] == whole, path

    assert [number for page in await pages(penstock, "/api/repositories", 7) for number in page] == made
    first = await penstock.get("/api/deliveries", limit=3)
    await penstock.deliver("repo:push", push("main", "f" * 40))
    second = await penstock.get("/api/deliveries", limit=3, cursor=first["next_cursor"])
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.5", "٣", "9" * 5000, "0000001500"])
@pytest.mark.parametrize("path", ["/api/repositories", "/api/pipelines", "/api/deliveries"])
async def test_a_limit_out_of_bounds_is_named(penstock: Living, path: str, limit: str) -> None:
    content = problem(await penstock.client.get(path, params={"limit": limit}), 422)

    assert fields(content) == ["limit"]


@pytest.mark.parametrize("cursor", ["x", "%00", "!!!!", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "9" * 5000, "ü"])
@pytest.mark.parametrize("path", ["/api/repositories", "/api/pipelines", "/api/deliveries"])
async def test_a_cursor_that_no_list_gave_is_named(penstock: Living, path: str, cursor: str) -> None:
    content = problem(await penstock.client.get(path, params={"cursor": cursor}), 422)

    assert fields(content) == ["cursor"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=lost", "status"),
        ("repository_id=x", "repository_id"),
        (f"repository_id={HUGE}", "repository_id"),
        (f"repository_id={'9' * 5000}", "repository_id"),
    ],
)
@pytest.mark.parametrize("path", ["/api/pipelines", "/api/deliveries"])
async def test_a_filter_that_fits_nothing_is_named(penstock: Living, path: str, query: str, named: str) -> None:
    assert fields(problem(await penstock.client.get(f"{path}?{query}"), 422)) == [named]


@pytest.mark.parametrize(
    "path",
    ["/api/pipelines?project_type=%00", "/api/deliveries?event_key=%00", "/api/deliveries?event_key=%F0%9F%9A%80"],
)
async def test_a_filter_that_nothing_matches_gives_an_empty_list(penstock_on_each: Living, path: str) -> None:
    answer = await penstock_on_each.client.get(path)

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("number", [str(HUGE - 1), str(HUGE), "9" * 5000, "0", "-1", "x", "%00", "1%00"])
@pytest.mark.parametrize("what", ["repositories", "pipelines", "executions", "deliveries"])
async def test_an_id_that_can_be_no_ones_is_a_404(penstock_on_each: Living, what: str, number: str) -> None:
    problem(await penstock_on_each.client.get(f"/api/{what}/{number}"), 404)


# What is told


async def test_an_execution_tells_its_transitions_and_the_deliveries_behind_them(penstock: Living) -> None:
    await penstock.deliver("repo:push", push("main", COMMIT))
    said = await penstock.deliver(
        "repo:commit_status_updated", status(7, "INPROGRESS", COMMIT, at="2026-03-01T09:31:00+00:00")
    )
    [execution] = await penstock.executions()

    shown = await penstock.get(f"/api/executions/{execution['id']}")

    [transition] = shown["transitions"]
    assert (transition["from"], transition["to"], transition["outcome"]) == ("PLANNED", "BUILDING", "applied")
    assert (transition["at"], transition["source"]) == ("2026-03-01T09:31:00Z", "webhook")
    assert transition["delivery_id"] == said.json()["delivery_id"]
    assert said.json()["delivery_id"] in [delivery["id"] for delivery in shown["deliveries"]]
    assert all("verdicts" not in delivery for delivery in shown["deliveries"])


async def test_a_delivery_is_shown_with_its_verdicts_and_listed_without(penstock: Living) -> None:
    answer = await penstock.deliver("repo:push", push("main", COMMIT), request_uuid="0-1")
    await penstock.settled()

    shown = await penstock.get(f"/api/deliveries/{answer.json()['delivery_id']}")
    [listed] = (await penstock.get("/api/deliveries", event_key="repo:push", status="processed"))["items"]

    assert "verdicts" not in listed
    assert listed == {name: shown[name] for name in listed}
    assert (listed["request_uuid"], listed["repository_id"], listed["attempt"]) == ("0-1", penstock.hook.id, 1)
    assert [verdict["verdict"] for verdict in shown["verdicts"]] == ["opened"]


async def test_a_dry_replay_only_tells_what_the_delivery_says(penstock: Living) -> None:
    answer = await penstock.deliver("repo:push", push("main", COMMIT))
    await penstock.settled()
    path = f"/api/deliveries/{answer.json()['delivery_id']}"
    before = await penstock.get(path)

    told = await penstock.client.post(f"{path}/replay", params={"dry_run": "true"})

    assert (told.status_code, told.json()["events"]) == (200, [{"event": "BranchPushed", "ref": "main"}])
    assert await penstock.get(path) == before
    real = await penstock.client.post(f"{path}/replay")
    assert real.status_code == 202
    assert [verdict["verdict"] for verdict in await penstock.verdicts(answer)] == ["unchanged"]


# Names and health


@pytest.mark.parametrize(
    ("host", "status_code"),
    [
        ("127.0.0.1", 200),
        ("localhost:8000", 200),
        ("penstock.localhost", 200),
        ("[::1]:8000", 200),
        ("192.168.1.7", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_G10_a_page_that_renames_itself_to_this_address_gets_nothing(
    penstock: Living, host: str, status_code: int
) -> None:
    answer = await penstock.client.get("/api/repositories", headers={"Host": host})

    assert answer.status_code == status_code
    assert (await penstock.client.get("/healthz", headers={"Host": host})).status_code == 200
    await penstock.assert_alive()


async def test_a_webhook_comes_by_whatever_name_a_tunnel_gives_it(penstock: Living) -> None:
    penstock.client.headers["Host"] = "tunnel.example"
    answer = await penstock.deliver("repo:push", push("main", COMMIT))
    del penstock.client.headers["Host"]

    assert answer.status_code == 202


async def test_it_lives_but_is_not_ready_while_the_database_is_away(
    penstock: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there() -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(penstock.house.database, "read", nobody_there)

    living, ready = await penstock.client.get("/healthz"), await penstock.client.get("/readyz")
    monkeypatch.undo()

    assert (living.status_code, ready.status_code) == (200, 503)
    assert (ready.json()["status"], ready.json()["database"]) == ("not ready", False)
    assert (await penstock.client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status_code"),
    [("GET", "/api/nothing", 404), ("PATCH", "/api/repositories", 405), ("GET", "/api/session", 405)],
)
async def test_what_is_not_there_is_a_problem_too(penstock: Living, method: str, path: str, status_code: int) -> None:
    problem(await penstock.client.request(method, path), status_code)
