"""The page of notifications in a real browser: a route is added, tried out, paused and removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect
from standardwebhooks.webhooks import Webhook

from tests.browser.process import Process

pytestmark = pytest.mark.browser


@dataclass
class Receiver:
    """Somebody's server: it takes what comes, with the answer that it is told to give."""

    url: str = ""
    answer: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.taken.append(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(told.answer)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """A test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    told.url = f"http://127.0.0.1:{server.server_port}/hooks/planted-in-a-link"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield told
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def penstock(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "data", PENSTOCK_ALLOW_PRIVATE_TARGETS="true")
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def notifications(penstock: Process, page: Page) -> Page:
    page.goto(f"{penstock.url}/notifications")
    page.locator('[data-connection="live"]').wait_for()
    return page


def add(page: Page, name: str, kind: str, place: str, *, label: str = "Link") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Where").select_option(label=kind)
    page.get_by_label(label, exact=True).fill(place)
    page.get_by_role("button", name="Add").click()


def route(page: Page, name: str) -> Locator:
    return page.locator("li.card", has_text=name)


def stands(page: Page, name: str, state: str = "on") -> None:
    """Waits until the page that shows it so has its scripts: a button does nothing before."""
    expect(route(page, name).locator("[data-state]")).to_have_text(state)
    page.locator('[data-connection="live"]').wait_for()


def became(page: Page, name: str, text: str) -> None:
    """Loads the page anew until the route's card says this."""
    for _ in range(200):
        page.reload()
        if text in route(page, name).inner_text():
            page.locator('[data-connection="live"]').wait_for()
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{text!r} is not in {route(page, name).inner_text()!r}")


def test_without_a_route_the_page_says_what_to_do(notifications: Page) -> None:
    expect(notifications.get_by_text("Nobody is told yet.")).to_be_visible()
    expect(notifications.get_by_role("heading", name="Tell somebody")).to_be_visible()


def test_a_route_is_added_tried_out_and_what_became_of_it_is_shown(notifications: Page, receiver: Receiver) -> None:
    add(notifications, "the team", "Slack", receiver.url)
    mine = route(notifications, "the team")
    expect(mine).to_contain_text("http://127.0.0.1/…")
    stands(notifications, "the team")

    mine.get_by_role("button", name="Send a test").click()
    expect(mine.locator("[data-told]")).to_contain_text("On its way")
    became(notifications, "the team", "0 waiting, 0 dead")
    mine.locator("summary").click()

    expect(mine.locator("tbody tr").first).to_contain_text("delivered")
    assert "planted-in-a-link" not in notifications.content()
    [(_, body)] = receiver.taken
    assert msgspec.json.decode(body)["text"] == "Penstock can reach you here"


def test_the_secret_of_a_webhook_is_shown_once_and_signs(notifications: Page, receiver: Receiver) -> None:
    add(notifications, "ops", "Webhook", receiver.url)
    field = notifications.get_by_label("It signs with this secret, shown this once")
    expect(field).to_be_visible()
    secret = field.input_value()
    notifications.reload()
    expect(field).to_be_hidden()
    route(notifications, "ops").get_by_role("button", name="Send a test").click()
    expect(route(notifications, "ops").locator("[data-told]")).to_contain_text("On its way")
    became(notifications, "ops", "0 waiting, 0 dead")

    [(headers, body)] = receiver.taken
    assert Webhook(secret).verify(body, headers)["type"] == "notification.test"
    assert secret not in notifications.content()


def test_what_cannot_be_is_refused_with_the_reason_and_the_fields_stay(notifications: Page) -> None:
    add(notifications, "the team", "E-mail", "nobody", label="Address")

    expect(notifications.get_by_role("alert")).to_contain_text("not an e-mail address: such as team@example.com")
    expect(notifications.get_by_label("Address", exact=True)).to_have_value("nobody")
    for box in notifications.get_by_role("checkbox").all():
        box.uncheck()
    notifications.get_by_role("button", name="Add").click()
    expect(notifications.get_by_role("alert")).to_have_text("Choose at least one thing to be told.")


def test_a_route_is_for_an_environment_and_a_branch_paused_and_removed(notifications: Page, receiver: Receiver) -> None:
    notifications.get_by_label("Only for environment").fill("production")
    notifications.get_by_label("Only of branch").fill("release/*")
    add(notifications, "on call", "Discord", receiver.url)
    mine = route(notifications, "on call")
    expect(mine).to_contain_text("on production")
    expect(mine).to_contain_text("of release/*")
    stands(notifications, "on call")

    mine.get_by_role("button", name="Pause").click()
    stands(notifications, "on call", "paused")
    expect(mine.get_by_role("button", name="Send a test")).to_have_count(0)
    mine.get_by_role("button", name="Let it go on").click()
    stands(notifications, "on call")

    notifications.once("dialog", lambda dialog: dialog.accept())
    mine.get_by_role("button", name="Remove").click()
    expect(notifications.get_by_text("Nobody is told yet.")).to_be_visible()


def test_a_target_that_is_gone_is_said_so_and_what_died_is_sent_again(notifications: Page, receiver: Receiver) -> None:
    receiver.answer = 410
    add(notifications, "the team", "Slack", receiver.url)
    mine = route(notifications, "the team")
    stands(notifications, "the team")
    mine.get_by_role("button", name="Send a test").click()
    expect(mine.locator("[data-told]")).to_contain_text("On its way")
    became(notifications, "the team", "Paused by itself: it answered 410: it is gone.")

    receiver.answer = 200
    mine.get_by_role("button", name="Let it go on").click()
    stands(notifications, "the team")
    mine.get_by_role("button", name="Send 1 again").click()
    expect(mine.locator("[data-told]")).to_contain_text("They are tried once more.")
    became(notifications, "the team", "0 waiting, 0 dead")
    assert len({body for _, body in receiver.taken}) == 1


def test_every_field_and_button_has_a_name_of_its_own_and_the_keyboard_reaches_them(notifications: Page) -> None:
    nameless = notifications.evaluate(
        """() => [...document.querySelectorAll("main input, main select, main button")]
            .filter((one) => !(one.labels?.length || one.textContent.trim() || one.getAttribute("aria-label")))
            .map((one) => one.outerHTML)"""
    )
    notifications.get_by_label("Name").focus()
    reached = []
    for _ in range(6):
        reached.append(notifications.evaluate("document.activeElement.name"))
        notifications.keyboard.press("Tab")

    assert nameless == []
    assert reached == ["name", "kind", "place", "environment", "branch", "events"]
