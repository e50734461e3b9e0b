"""Notification routes over the API: made, read, changed, tried out, removed, each by those whose they are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from service.notifications.signing import new_secret
from service.notifications.words import USUAL, Event, Kind
from service.web import limits
from tests.client.peer import Peer, answers, playing
from tests.living import Living, living
from tests.web.people import ADMIN, OPERATOR, OWNER, READER, STRANGER, VIEWER, People, people_of

pytestmark = pytest.mark.anyio

# What of a link opens a chat room to anybody: it goes in, and comes out nowhere.
KEY = "B0LLARD-planted-in-a-link"
LINKS = {
    "slack": f"https://hooks.slack.example/services/T0/{KEY}",
    "teams": f"https://prod.workflows.example/workflows/{KEY}/triggers/manual?sig={KEY}",
    "discord": f"https://discord.example/api/webhooks/1/{KEY}",
    "google_chat": f"https://chat.example/v1/spaces/A/messages?key={KEY}&token={KEY}",
    "webhook": f"https://ops.example/in/{KEY}",
    "apprise": f"https://apprise.example/notify/{KEY}",
}
TARGETS: dict[str, dict[str, Any]] = {
    **{kind: {"kind": kind, "url": link} for kind, link in LINKS.items()},
    "email": {"kind": "email", "address": "team@example.com"},
}
MAIL = {"name": "the team", "target": TARGETS["email"]}
PATH = "/api/notifications"


@pytest.fixture(scope="module")
async def penstock(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Living]:
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("routes"))}) as started:
        yield started


@pytest.fixture(scope="module")
async def people(penstock: Living) -> People:
    return await people_of(penstock)


@pytest.fixture(scope="module")
async def near(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Living]:
    """A service that may send to this machine."""
    environ = {"PENSTOCK_DATA_DIR": str(tmp_path_factory.mktemp("near")), "PENSTOCK_ALLOW_PRIVATE_TARGETS": "true"}
    async with living(environ) as started:
        yield started


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with playing() as started:
        started.plays(answers())
        yield started


def of(number: int, more: str = "") -> str:
    return f"{PATH}/{number}{more}"


async def made(people: People, role: str = OWNER, **more: Any) -> dict[str, Any]:
    return await people.made(role, PATH, {**MAIL, **more})


async def webhook_to(near: Living, peer: Peer, **more: Any) -> dict[str, Any]:
    wanted = {"name": "ops", "target": {"kind": "webhook", "url": f"{peer.origin}/{KEY}"}, **more}
    answer = await near.client.post(PATH, json=wanted)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def messages_of(near: Living, number: int, status: str, *, times: int = 1) -> list[dict[str, Any]]:
    """The route's messages, once so many have this status."""
    for _ in range(1000):
        found: list[dict[str, Any]] = (await near.get(of(number, "/messages"), status=status))["items"]
        if len(found) == times:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{found} instead of {times} messages that are {status}")


# Making and reading


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_route_of_every_kind_is_shown_without_what_opens_its_target(people: People, kind: str) -> None:
    answer = await people.ask(OWNER, "POST", PATH, {"name": f"to {kind}", "target": TARGETS[kind]})
    shown = answer.json()
    again = await people.ask(OWNER, "GET", answer.headers["location"])
    listed = await people.ask(OWNER, "GET", f"{PATH}?limit=200")

    assert answer.status_code == 201
    assert (shown["name"], shown["target"]["kind"], shown["paused"]) == (f"to {kind}", kind, False)
    host = "team@example.com" if kind == "email" else f"https://{LINKS[kind].split('/')[2]}/…"
    assert shown["target"]["shown"] == host
    assert again.json() == {**shown, "target": {**shown["target"], "secret": None}}
    assert again.json() in listed.json()["items"]
    assert KEY not in answer.text + again.text + listed.text


@pytest.mark.parametrize("scheme", ["ntfys", "JSONS"])
async def test_of_a_url_of_apprises_library_only_the_scheme_is_shown(people: People, scheme: str) -> None:
    target = {"kind": "apprise", "url": f"{scheme}://ada:{KEY}@apprise.example/{KEY}"}
    answer = await people.ask(OWNER, "POST", PATH, {"name": "to a phone", "target": target})

    assert answer.status_code == 201
    assert answer.json()["target"]["shown"] == f"{scheme.lower()}://…"
    assert KEY not in answer.text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"nothing://at/{KEY}", "no URL of a service that Apprise knows"),
        ("json://[::1", "no URL of a service that Apprise knows"),
        ("https://[::1", "no link"),
        (f"javascript:{KEY}", "no web link"),
        (f"slack://{KEY}", "no URL of a service that Apprise knows"),
        (f"mailto://ada:{KEY}@mail.example", "only those that are reached over https"),
        ("syslog://", "only those that are reached over https"),
        (f"json://127.0.0.1/{KEY}", "without TLS"),
        (f"jsons://127.0.0.1/{KEY}", "private address"),
        (f"jsons://8.8.8.8:22/{KEY}", "another port"),
        (f"jsons://8.8.8.8/{KEY}?verify=no", "certificate"),
    ],
)
async def test_a_url_by_which_apprises_library_would_send_nothing_is_refused(
    people: People, url: str, why: str
) -> None:
    answer = await people.ask(OWNER, "POST", PATH, {"name": "x", "target": {"kind": "apprise", "url": url}})
    [error] = answer.json()["errors"]

    assert answer.status_code == 422
    assert error["field"] == "target.url"
    assert why in error["message"]
    assert KEY not in answer.text


async def test_without_apprises_library_its_routes_say_what_to_install(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"name": "to a phone", "target": {"kind": "apprise", "url": f"ntfys://apprise.example/{KEY}"}}
    route = await people.made(OWNER, PATH, wanted)
    monkeypatch.setitem(sys.modules, "apprise", None)  # as if it could not be imported
    again = await people.ask(OWNER, "POST", PATH, wanted)
    tried = await people.ask(OWNER, "POST", of(route["id"], "/test"))
    by_server = await people.ask(OWNER, "POST", PATH, {"name": "x", "target": TARGETS["apprise"]})

    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "target.url")
    assert tried.status_code == 409
    assert "pip install 'penstock[apprise]'" in again.text
    assert "pip install 'penstock[apprise]'" in tried.text
    assert by_server.status_code == 201


async def test_a_test_of_a_route_by_apprises_library_arrives(near: Living, peer: Peer) -> None:
    url = f"{peer.origin.replace('http', 'json', 1)}/{KEY}"
    answer = await near.client.post(PATH, json={"name": "ops", "target": {"kind": "apprise", "url": url}})
    number = answer.json()["id"]
    await near.client.post(of(number, "/test"))
    for _ in range(6000):  # the library takes its time to be loaded
        if peer.requests:
            break
        await asyncio.sleep(0.01)
    [asked] = peer.requests
    await messages_of(near, number, "delivered")

    assert asked.target == f"/{KEY}"
    assert "ops" in asked.body.decode()


async def test_without_events_a_route_is_told_outcomes_and_what_needs_a_person(people: People) -> None:
    usual = ["succeeded", "failed", "rolled_back", "waiting_approval", "held"]

    assert (await made(people))["filter"]["events"] == usual == list(USUAL)


async def test_a_generated_secret_is_shown_once(people: People) -> None:
    first = await people.made(OWNER, PATH, {"name": "ops", "target": TARGETS["webhook"]})
    again = (await people.ask(OWNER, "GET", of(first["id"]))).json()

    Webhook(first["target"]["secret"])
    assert first["target"]["secret"].startswith("whsec_")
    assert (again["target"]["secret"], again["target"]["secret_set"]) == (None, True)


async def test_a_given_secret_is_shown_never(people: People) -> None:
    secret = new_secret()
    target = {**TARGETS["webhook"], "secret": secret}
    answer = await people.ask(OWNER, "POST", PATH, {"name": "ops", "target": target})
    changed = await people.ask(OWNER, "PUT", of(answer.json()["id"]), {"target": target})

    assert answer.json()["target"]["secret_set"] is True
    assert secret not in answer.text + changed.text


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != "webhook"])
async def test_only_a_webhook_is_signed(people: People, kind: str) -> None:
    target = {**TARGETS[kind], "secret": new_secret()}
    answer = await people.ask(OWNER, "POST", PATH, {"name": "ops", "target": target})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["target.secret"]


SLACK = TARGETS["slack"]
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name"),
    "a long name": ({"name": "x" * 101}, "name"),
    "a name of two lines": ({"name": "the\nteam"}, "name"),
    "an unknown field": ({"colour": "red"}, "colour"),
    "an unknown kind": ({"target": {"kind": "pager", "url": "https://8.8.8.8/"}}, "target.kind"),
    "no link": ({"target": {"kind": "slack"}}, "target.url"),
    "an empty link": ({"target": {"kind": "slack", "url": ""}}, "target.url"),
    "a long link": ({"target": {"kind": "slack", "url": "https://8.8.8.8/" + "x" * 2048}}, "target.url"),
    "a link to this machine": ({"target": {"kind": "slack", "url": "https://127.0.0.1/"}}, "target.url"),
    "a link without TLS": ({"target": {"kind": "slack", "url": "http://8.8.8.8/"}}, "target.url"),
    "an address for a link": ({"target": {**SLACK, "address": "team@example.com"}}, "target.address"),
    "no address": ({"target": {"kind": "email"}}, "target.address"),
    "no e-mail address": ({"target": {"kind": "email", "address": "the team"}}, "target.address"),
    "a name and an address": ({"target": {"kind": "email", "address": "Team <team@example.com>"}}, "target.address"),
    "two addresses": ({"target": {"kind": "email", "address": "a@example.com, b@example.com"}}, "target.address"),
    "a mail with a header": ({"target": {"kind": "email", "address": "a@example.com\nBcc: b@x.y"}}, "target.address"),
    "a link for a mail": ({"target": {"kind": "email", "url": "https://8.8.8.8/"}}, "target.address"),
    "a weak secret": ({"target": {**TARGETS["webhook"], "secret": "whsec_c2hvcnQ="}}, "target.secret"),
    "an unknown event": ({"filter": {"events": ["exploded"]}}, "filter.events[0]"),
    "no event at all": ({"filter": {"events": []}}, "filter.events"),
    "an unknown filter": ({"filter": {"colour": "red"}}, "filter.colour"),
    "no number": ({"filter": {"pipeline_id": "1"}}, "filter.pipeline_id"),
    "no repository": ({"filter": {"repository_id": 999_999}}, "filter.repository_id"),
    "no pipeline": ({"filter": {"pipeline_id": 999_999}}, "filter.pipeline_id"),
    "an hour that is none": ({"quiet_hours": {"from": "25:00", "to": "07:00"}}, "quiet_hours.from"),
    "a zone that is none": (
        {"quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Mars/Olympus"}},
        "quiet_hours.timezone",
    ),
    "hours without end": ({"quiet_hours": {"from": "22:00", "to": "22:00"}}, "quiet_hours.to"),
    "half of the hours": ({"quiet_hours": {"from": "22:00"}}, "quiet_hours.to"),
    "no minute": ({"digest_minutes": 0}, "digest_minutes"),
    "more minutes than a day": ({"digest_minutes": 1441}, "digest_minutes"),
    "perhaps paused": ({"paused": "yes"}, "paused"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_value_is_422_and_named_at_making_and_at_changing(people: People, name: str) -> None:
    wrong, field = WRONG[name]
    known = await made(people)
    answers_ = [
        await people.ask(OWNER, "POST", PATH, {**MAIL, **wrong}),
        await people.ask(OWNER, "PUT", of(known["id"]), wrong),
    ]

    for answer in answers_:
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert field in [error["field"] for error in answer.json()["errors"]]
    assert (await people.ask(OWNER, "GET", of(known["id"]))).json() == known


async def test_a_link_is_not_repeated_by_the_answer_that_refuses_it(people: People) -> None:
    answer = await people.ask(
        OWNER, "POST", PATH, {"name": "ops", "target": {"kind": "slack", "url": f"https://127.0.0.1/services/{KEY}"}}
    )

    assert answer.status_code == 422
    assert "PENSTOCK_ALLOW_PRIVATE_TARGETS" in answer.json()["detail"]
    assert KEY not in answer.text


async def test_nobody_asks_for_what_somebody_else_has(people: People) -> None:
    repository = await people.repository()
    pipeline = await people.pipeline_of(repository)
    theirs = [{"repository_id": repository["id"]}, {"pipeline_id": pipeline}]

    seen = [(await people.ask(VIEWER, "POST", PATH, {**MAIL, "filter": one})).status_code for one in theirs]
    unseen = [await people.ask(STRANGER, "POST", PATH, {**MAIL, "filter": one}) for one in theirs]
    nowhere = [
        await people.ask(STRANGER, "POST", PATH, {**MAIL, "filter": dict.fromkeys(one, 999_999)}) for one in theirs
    ]

    assert seen == [201, 201]
    assert [answer.status_code for answer in unseen] == [422, 422]
    assert [answer.content for answer in unseen] == [answer.content for answer in nowhere]


async def test_an_account_has_no_more_routes_than_a_person_reads(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len((await people.ask(STRANGER, "GET", f"{PATH}?limit=200")).json()["items"])
    monkeypatch.setattr(limits, "NOTIFICATIONS", replace(limits.NOTIFICATIONS, most=known + 1))

    assert [(await people.ask(STRANGER, "POST", PATH, MAIL)).status_code for _ in range(2)] == [201, 422]


# Changing and removing

HOURS = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
CHANGES: list[dict[str, Any]] = [
    {},
    {"name": "on call"},
    {"paused": True},
    {"quiet_hours": HOURS},
    {"quiet_hours": None},
    {"digest_minutes": 30},
    {"digest_minutes": None},
    {"name": "on call", "digest_minutes": 5, "paused": True},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: " ".join(change) or "nothing")
async def test_any_subset_is_changed_and_the_rest_stays(people: People, change: dict[str, Any]) -> None:
    before = await made(people, quiet_hours=HOURS, digest_minutes=10, filter={"environment": "production"})
    answer = await people.ask(OWNER, "PUT", of(before["id"]), change)
    after = (await people.ask(OWNER, "GET", of(before["id"]))).json()

    assert answer.status_code == 200
    assert answer.json() == after
    assert {**after, "updated_at": None} == {**before, **change, "updated_at": None}


async def test_a_filter_is_replaced_whole(people: People) -> None:
    before = await made(people, filter={"environment": "production", "branch": "main", "events": ["failed"]})
    after = (await people.ask(OWNER, "PUT", of(before["id"]), {"filter": {"branch": "release/*"}})).json()

    assert after["filter"].items() >= {"branch": "release/*", "events": list(USUAL)}.items()
    assert "environment" not in after["filter"]


@pytest.mark.parametrize("name", ["name", "target", "filter", "paused"])
async def test_what_a_route_cannot_be_without_is_not_taken_away(people: People, name: str) -> None:
    answer = await people.ask(OWNER, "PUT", of((await made(people))["id"]), {name: None})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [name]


async def test_a_target_is_replaced_whole_and_its_kind_with_it(people: People) -> None:
    before = await people.made(OWNER, PATH, {"name": "ops", "target": TARGETS["webhook"]})
    after = (await people.ask(OWNER, "PUT", of(before["id"]), {"target": SLACK})).json()

    assert after["target"] == {
        "kind": "slack",
        "shown": "https://hooks.slack.example/…",
        "secret_set": False,
        "secret": None,
    }


async def test_a_removed_route_is_gone_with_its_messages(people: People) -> None:
    number = (await made(people))["id"]
    await people.ask(OWNER, "POST", of(number, "/test"))

    assert (await people.ask(OWNER, "DELETE", of(number))).status_code == 204
    for method, more in [("GET", ""), ("GET", "/messages"), ("DELETE", ""), ("POST", "/test")]:
        assert (await people.ask(OWNER, method, of(number, more))).status_code == 404
    listed = (await people.ask(OWNER, "GET", f"{PATH}?limit=200")).json()["items"]
    assert number not in [one["id"] for one in listed]


async def test_the_audit_log_says_who_did_what_to_a_route_and_nothing_of_its_target(people: People) -> None:
    number = (await people.made(OWNER, PATH, {"name": "ops", "target": SLACK}))["id"]
    await people.ask(OWNER, "PUT", of(number), {"paused": True, "name": "on call"})
    await people.ask(OWNER, "DELETE", of(number))
    answer = await people.ask(ADMIN, "GET", "/api/audit?limit=50")
    lines = [line for line in answer.json()["items"] if line["object"] == f"notification {number}"][:3]

    assert [(line["action"], line["actor"]) for line in lines] == [
        ("notification.removed", OWNER),
        ("notification.changed", OWNER),
        ("notification.added", OWNER),
    ]
    assert lines[1]["details"]["fields"] == ["name", "paused"]
    assert KEY not in answer.text


# Whose they are


@pytest.mark.parametrize("role", [STRANGER, VIEWER, OPERATOR])
@pytest.mark.parametrize(
    ("method", "more"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/preview"), ("POST", "/send-again")],
)
async def test_somebody_elses_route_is_not_there_whatever_is_sent(
    people: People, role: str, method: str, more: str
) -> None:
    path = of((await made(people))["id"], more)
    headers = {**people.as_(role), "Content-Type": "application/json"}
    answer = await people.penstock.client.request(method, path, headers=headers, content=b"{ no JSON")

    assert answer.status_code == 404


async def test_everybody_lists_his_own_and_an_administrator_all(people: People) -> None:
    number = (await made(people))["id"]
    listed = {
        role: [one["id"] for one in (await people.ask(role, "GET", f"{PATH}?limit=200")).json()["items"]]
        for role in (OWNER, READER, STRANGER, ADMIN)
    }

    assert {role: number in found for role, found in listed.items()} == {
        OWNER: True,
        READER: True,
        STRANGER: False,
        ADMIN: True,
    }


async def test_a_list_is_read_page_by_page_while_it_changes(people: People) -> None:
    numbers = [(await made(people, OPERATOR))["id"] for _ in range(5)]
    found: list[int] = []
    cursor = ""
    while cursor is not None:
        page = (await people.ask(OPERATOR, "GET", f"{PATH}?limit=2&cursor={cursor}")).json()
        found += [one["id"] for one in page["items"] if one["id"] in numbers]
        cursor = page["next_cursor"]
        await people.ask(OPERATOR, "DELETE", of(numbers[0]))

    assert found == numbers


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("cursor=%F0", "cursor"), ("cursor=eA", "cursor")],
)
async def test_a_page_that_cannot_be_is_422(people: People, query: str, field: str) -> None:
    number = (await made(people))["id"]

    for path in (PATH, of(number, "/messages")):
        answer = await people.ask(OWNER, "GET", f"{path}?{query}")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_one_key_makes_one_route_whose_secret_is_told_again_to_who_asked_first(people: People) -> None:
    wanted = {"name": "once", "target": TARGETS["webhook"]}
    first, again = [await people.ask(OWNER, "POST", PATH, wanted, Idempotency_Key="a-route") for _ in range(2)]
    listed = (await people.ask(OWNER, "GET", f"{PATH}?limit=200")).json()["items"]

    assert (first.status_code, again.json()) == (201, first.json())
    assert [one["name"] for one in listed].count("once") == 1


# Trying out


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("kind", list(Kind))
async def test_a_preview_of_every_event_is_what_the_kind_of_target_takes(people: People, kind: str, event: str) -> None:
    route = await people.made(OWNER, PATH, {"name": f"{kind} {event}", "target": TARGETS[kind]})
    answer = await people.ask(OWNER, "POST", of(route["id"], "/preview"), {"event": event})
    shown = answer.json()

    assert answer.status_code == 200
    assert shown["event"] == event
    assert "acme/shop" in shown["title"]
    assert "acme/shop" in shown["content"]
    assert shown["content_type"] == ("message/rfc822" if kind == "email" else "application/json")
    assert KEY not in answer.text
    await people.ask(OWNER, "DELETE", of(route["id"]))


async def test_a_preview_is_of_a_failure_unless_it_is_said_and_sends_nothing(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    shown = (await near.client.post(of(route["id"], "/preview"), json={})).json()

    assert shown["event"] == "failed"
    assert msgspec.json.decode(shown["content"])["type"] == "execution.failed"
    assert peer.requests == []
    assert (await near.get(of(route["id"], "/messages")))["items"] == []


async def test_a_preview_of_what_is_no_event_is_422(people: People) -> None:
    answer = await people.ask(OWNER, "POST", of((await made(people))["id"], "/preview"), {"event": "exploded"})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["event"]


async def test_a_test_arrives_signed_and_is_listed_with_what_became_of_it(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    answer = await near.client.post(of(route["id"], "/test"))
    [message] = await messages_of(near, route["id"], "delivered")
    [asked] = peer.requests

    assert answer.status_code == 202
    assert (answer.json()["event"], answer.json()["status"]) == ("test", "waiting")
    assert (message["id"], message["tries"], message["answer"]) == (answer.json()["id"], 1, 200)
    assert message["webhook_id"] == asked.headers["webhook-id"]
    assert Webhook(route["target"]["secret"]).verify(asked.body, asked.headers)["type"] == "notification.test"
    assert (await near.get(of(route["id"])))["last_delivered_at"] is not None


async def test_after_a_new_secret_the_one_before_signs_too(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    target = {"kind": "webhook", "url": f"{peer.origin}/{KEY}"}
    changed = (await near.client.put(of(route["id"]), json={"target": target})).json()
    await near.client.post(of(route["id"], "/test"))
    await messages_of(near, route["id"], "delivered")
    [asked] = peer.requests

    assert changed["target"]["secret"] != route["target"]["secret"]
    for secret in (route["target"]["secret"], changed["target"]["secret"]):
        assert Webhook(secret).verify(asked.body, asked.headers)


async def test_one_key_sends_one_test(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    sent = [await near.client.post(of(route["id"], "/test"), headers={"Idempotency-Key": "a-test"}) for _ in range(3)]
    await messages_of(near, route["id"], "delivered")

    assert len({answer.text for answer in sent}) == 1
    assert len((await near.get(of(route["id"], "/messages")))["items"]) == 1


async def test_a_paused_route_is_not_tested(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer, paused=True)
    answer = await near.client.post(of(route["id"], "/test"))

    assert answer.status_code == 409
    assert "let it go on first" in answer.json()["detail"]


async def test_messages_are_read_newest_first_page_by_page(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    numbers = [(await near.client.post(of(route["id"], "/test"))).json()["id"] for _ in range(5)]
    await messages_of(near, route["id"], "delivered", times=5)
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await near.get(of(route["id"], "/messages"), limit=2, cursor=cursor)
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]

    assert found == numbers[::-1]
    assert (await near.get(of(route["id"], "/messages"), status="dead"))["items"] == []
    odd = await near.client.get(of(route["id"], "/messages"), params={"status": "lost"})
    assert [error["field"] for error in odd.json()["errors"]] == ["status"]


async def test_a_dead_message_is_sent_again_as_it_was(near: Living, peer: Peer) -> None:
    route = await webhook_to(near, peer)
    peer.plays(answers(b"", 410))
    await near.client.post(of(route["id"], "/test"))
    await messages_of(near, route["id"], "dead")
    paused = await near.get(of(route["id"]))
    peer.plays(answers())
    await near.client.put(of(route["id"]), json={"paused": False})
    answer = await near.client.post(of(route["id"], "/send-again"))
    [message] = await messages_of(near, route["id"], "delivered")
    before, after = peer.requests

    assert (paused["paused"], paused["paused_reason"], paused["dead"]) == (True, "it answered 410: it is gone", 1)
    assert answer.status_code == 202
    assert (message["error"], message["answer"]) == (None, 200)
    assert (after.headers["webhook-id"], after.body) == (before.headers["webhook-id"], before.body)
    assert (await near.get(of(route["id"])))["dead"] == 0
