"""The dashboard in a real browser: it moves by itself, and survives what happens to its server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.process import Bitbucket, Process
from tests.living import Hook, push, status

pytestmark = pytest.mark.browser

COMMIT = "4be0c0de" * 5
OTHER = "0ddba11e" * 5
HOSTILE = "<img/src=x/onerror=alert(1)>{{7*7}}"


def row(page: Page, name: str) -> Locator:
    return page.locator("tr[data-pipeline]", has_text=name)


def card(page: Page, name: str) -> Locator:
    return page.locator("li.card", has_text=name)


def begin(bitbucket: Bitbucket, hook: Hook, *, number: int = 7, commit: str = COMMIT) -> None:
    """A push to main, and the run that Bitbucket starts for it."""
    bitbucket.deliver(hook, "repo:push", push("main", commit, message="Sell boots\n"))
    report(bitbucket, hook, "INPROGRESS", "2026-03-01T09:30:20Z", number=number, commit=commit)


def report(bitbucket: Bitbucket, hook: Hook, state: str, at: str, *, number: int = 7, commit: str = COMMIT) -> None:
    said = status(number, state, commit, at=at, full_name=hook.full_name)
    bitbucket.deliver(hook, "repo:commit_status_updated", said)


def mark(page: Page) -> None:
    """What would be gone after a reload."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def test_an_empty_dashboard_says_what_to_do(page: Page) -> None:
    expect(page.get_by_text("No repository is connected.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect a repository")).to_have_attribute("href", "/connect")


def test_a_repository_that_is_connected_appears_by_itself(page: Page, bitbucket: Bitbucket) -> None:
    mark(page)

    bitbucket.connect("acme/shop")

    expect(row(page, "acme/shop")).to_contain_text("waiting for the first delivery")
    expect(page.get_by_text("Waiting for the first delivery. In Bitbucket")).to_be_visible()
    assert is_marked(page)


def test_an_execution_moves_from_push_to_success_without_a_reload(
    page: Page, bitbucket: Bitbucket, tmp_path: Path
) -> None:
    hook = bitbucket.connect("acme/shop")
    shop, running = row(page, "acme/shop"), card(page, "acme/shop")
    expect(shop).to_be_visible()
    mark(page)

    bitbucket.deliver(hook, "repo:push", push("main", COMMIT, message="Sell boots\n"))
    expect(shop.locator('[data-status="PLANNED"]')).to_be_visible()
    expect(shop).to_contain_text(COMMIT[:7])
    expect(running).to_contain_text("production")
    expect(running).to_contain_text("Sell boots")
    expect(page).to_have_title("(1) Pipelines · Penstock")

    report(bitbucket, hook, "INPROGRESS", "2026-03-01T09:30:20Z")
    expect(running.locator(".status")).to_have_text("BUILDING")
    expect(running.locator(".track")).to_have_attribute("aria-label", "Step 2 of 5, building")
    expect(running).to_contain_text("#7")
    expect(page.locator("[data-said]")).to_have_text("acme/shop #7 is building")

    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:34:32Z")
    expect(shop.locator('[data-status="SUCCESS"]')).to_have_text("SUCCESS")
    expect(shop).to_contain_text("4 m 12 s")
    expect(page.locator('[data-part="running"]')).to_have_text("0")
    expect(page.locator("[data-deliveries] > li")).to_have_count(3)
    expect(page.locator("[data-deliveries] > li").first).to_contain_text("run #7 is SUCCESS")
    page.screenshot(path=tmp_path / "success.png", full_page=True)
    assert is_marked(page)


def test_a_page_that_moved_by_itself_shows_what_a_reload_shows(page: Page, bitbucket: Bitbucket) -> None:
    shop, books = bitbucket.connect("acme/shop"), bitbucket.connect("acme/books")
    expect(row(page, "acme/books")).to_be_visible()
    begin(bitbucket, shop)
    begin(bitbucket, books, number=3, commit=OTHER)
    report(bitbucket, books, "FAILED", "2026-03-01T09:31:00Z", number=3, commit=OTHER)
    expect(row(page, "acme/books").locator('[data-status="FAILED"]')).to_be_visible()
    expect(page.locator("[data-deliveries] > li")).to_have_count(5)
    expect(page.locator("tr", has_text="Sell boots")).to_have_count(2)
    moved = told_on(page)

    page.reload()

    assert moved == told_on(page)


def told_on(page: Page) -> list[str]:
    """What the dashboard says, but for times."""
    parts = [f"tr [data-part={name}]" for name in ("name", "status", "build", "branch", "commit", "message")]
    return page.locator(", ".join([*parts, ".event", ".verdict", ".reason"])).all_inner_texts()


def test_the_time_of_what_runs_goes_on(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    report(bitbucket, hook, "INPROGRESS", datetime.now(UTC).isoformat())
    length = card(page, "acme/shop").locator("[data-since]")
    expect(length).to_be_visible()
    seen = length.inner_text()

    expect(length).not_to_have_text(seen)


def test_the_page_catches_up_by_itself_after_the_server_was_killed(
    page: Page, bitbucket: Bitbucket, penstock: Process
) -> None:
    hook = bitbucket.connect("acme/shop")
    begin(bitbucket, hook)
    shop = row(page, "acme/shop")
    expect(shop.locator('[data-status="BUILDING"]')).to_be_visible()
    mark(page)

    penstock.kill()
    expect(page.locator("[data-connection]")).to_have_text("Reconnecting…")
    penstock.start()
    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:34:32Z")

    expect(shop.locator('[data-status="SUCCESS"]')).to_be_visible()
    expect(page.locator("[data-connection]")).to_have_text("Live")
    expect(page.locator("[data-deliveries] > li")).to_have_count(3)
    assert is_marked(page)


def test_a_page_whose_stream_was_refused_goes_on_where_it_was(
    page: Page, bitbucket: Bitbucket, penstock: Process
) -> None:
    """What a proxy answers while the server behind it restarts ends an EventSource for good."""
    hook = bitbucket.connect("acme/shop")
    begin(bitbucket, hook)
    shop = row(page, "acme/shop")
    expect(shop.locator('[data-status="BUILDING"]')).to_be_visible()
    mark(page)

    page.route("**/api/events*", lambda route: route.fulfill(status=502, body="Bad Gateway"))
    penstock.kill()
    penstock.start()
    expect(page.locator("[data-connection]")).to_have_text("Reconnecting…")
    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:34:32Z")
    page.unroute("**/api/events*")

    expect(shop.locator('[data-status="SUCCESS"]')).to_be_visible()
    expect(page.locator("[data-connection]")).to_have_text("Live")
    assert is_marked(page)


def test_a_page_that_nobody_looks_at_lets_go_of_its_stream_until_somebody_does(
    page: Page, bitbucket: Bitbucket
) -> None:
    hook = bitbucket.connect("acme/shop")
    begin(bitbucket, hook)
    page.clock.install()
    page.reload()
    page.locator('[data-connection="live"]').wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    with page.expect_event("requestfailed", lambda request: "/api/events" in request.url):
        look_away(page, hidden=True)
        page.clock.fast_forward(61_000)
    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:34:32Z")
    assert asked == []
    look_away(page, hidden=False)

    expect(row(page, "acme/shop").locator('[data-status="SUCCESS"]')).to_be_visible()


def look_away(page: Page, *, hidden: bool) -> None:
    """As when another tab comes to the front, or this one again."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_page_that_cannot_be_resumed_is_fetched_anew(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    begin(bitbucket, hook)
    expect(row(page, "acme/shop")).to_be_visible()

    page.route("**/", lambda route: route.fulfill(body=beyond_the_log(route.fetch().text()), content_type="text/html"))
    page.reload()
    page.unroute("**/")
    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:34:32Z")

    expect(row(page, "acme/shop").locator('[data-status="SUCCESS"]')).to_be_visible()


def beyond_the_log(html: str) -> str:
    """The page as it would be after the database was restored from a backup: its cursor was never issued."""
    before, _, rest = html.partition('data-cursor="')
    return f'{before}data-cursor="999999"{rest[rest.index(chr(34)) + 1 :]}'


def test_a_hostile_branch_name_is_text(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    expect(row(page, "acme/shop")).to_be_visible()
    page.on("dialog", lambda dialog: pytest.fail(f"a branch's name ran: {dialog.message}"))

    bitbucket.deliver(hook, "repo:push", push(HOSTILE, COMMIT, message=f"{HOSTILE}\n"))
    said = status(7, "INPROGRESS", COMMIT, branch=HOSTILE, at="2026-03-01T09:30:20Z")
    bitbucket.deliver(hook, "repo:commit_status_updated", said)

    expect(row(page, "acme/shop").locator(".branch")).to_have_text(HOSTILE)
    expect(page.locator("[data-deliveries] .branch").first).to_have_text(HOSTILE)
    page.reload()
    expect(row(page, "acme/shop").locator(".branch")).to_have_text(HOSTILE)
    expect(page.locator("main img[src='x']")).to_have_count(0)


def test_a_disconnected_repository_is_shown_as_such(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    expect(row(page, "acme/shop")).to_be_visible()

    bitbucket.disconnect(hook)

    expect(row(page, "acme/shop")).to_contain_text("disconnected")


def test_the_page_of_a_pipeline_follows_it_and_keeps_what_was_opened(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    begin(bitbucket, hook)
    row(page, "acme/shop").get_by_role("link").click()
    page.locator('[data-connection="live"]').wait_for()
    page.get_by_text("How it moved").click()
    mark(page)

    report(bitbucket, hook, "FAILED", "2026-03-01T09:34:32Z")

    expect(page.locator("li.card .status")).to_have_text("FAILED")
    expect(page.locator("li.card .track")).to_have_attribute("aria-label", "Failed at step 2 of 5, building")
    expect(page.locator("details table tbody tr")).to_have_count(2)
    expect(page.locator("details table")).to_be_visible()
    expect(page.locator("summary")).to_be_focused()
    assert is_marked(page)


def test_the_page_of_deliveries_follows_the_inbox(page: Page, bitbucket: Bitbucket) -> None:
    hook = bitbucket.connect("acme/shop")
    page.get_by_role("link", name="Deliveries", exact=True).click()
    page.locator('[data-connection="live"]').wait_for()

    bitbucket.deliver(hook, "repo:push", push("main", COMMIT))

    expect(page.locator("table.inbox tbody tr")).to_contain_text(["production deploys main"])


@pytest.mark.parametrize("path", ["/", "/deliveries", "/pipelines/1", "/connect"])
def test_nothing_sticks_out_of_the_screen(page: Page, bitbucket: Bitbucket, penstock: Process, path: str) -> None:
    hook = bitbucket.connect("acme/a-repository-with-" + "a-long-name-" * 5)
    begin(bitbucket, hook)
    expect(card(page, "acme/")).to_be_visible()
    page.goto(penstock.url + path)
    for summary in page.locator("summary").all():
        summary.click()

    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
