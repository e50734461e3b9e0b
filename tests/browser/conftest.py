"""A browser, and a service of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import chromium
from tests.browser.process import Bitbucket, Process

# Milliseconds in which anything that is to come, comes.
SOON = 20_000

expect.set_options(timeout=SOON)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while it is there, an event loop runs, beside which no asynchronous test could."""
    with chromium() as started:
        yield started


@pytest.fixture
def penstock(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path / "data")
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """Somebody who has not signed in. What goes wrong in the page's scripts fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SOON)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def page(penstock: Process, visitor: Page) -> Page:
    """The dashboard, signed in by the link of the first start, and live."""
    visitor.goto(penstock.link)
    visitor.locator('[data-connection="live"]').wait_for()
    return visitor


@pytest.fixture
def bitbucket(penstock: Process, page: Page) -> Iterator[Bitbucket]:
    cookies = {cookie.get("name"): cookie.get("value", "") for cookie in page.context.cookies()}
    side = Bitbucket(penstock, cookies["session"])
    yield side
    side.close()
