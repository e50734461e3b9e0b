"""The page of an execution in a real browser: its log grows by itself, and is nothing but text."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from service.store import logs, steps
from service.store.database import Database
from service.store.logs import Progress
from service.store.steps import Seen
from tests.browser.process import Bitbucket
from tests.browser.test_dashboard import begin, is_marked, mark, report
from tests.living import Hook

pytestmark = pytest.mark.browser

HOSTILE = "<img/src=x/onerror=alert(1)>"


class Log:
    """The log of the first execution, written as the service would, beside it."""

    def __init__(self, data_dir: Path) -> None:
        self._url = f"sqlite+aiosqlite:///{data_dir / 'penstock.db'}"
        self.written = b""

    def write(self, text: bytes) -> None:
        with ThreadPoolExecutor() as aside:  # here a loop of the browser's runs
            aside.submit(asyncio.run, self._write(text)).result()
        self.written += text

    async def _write(self, text: bytes) -> None:
        database = Database(self._url, beside=True)
        async with database.write() as connection:
            run = {"state": "IN_PROGRESS", "result": None, "run_number": 1, "started_at": None, "completed_at": None}
            await steps.put(connection, 1, [Seen(uuid="{1}", name="Build", **run)])  # type: ignore[arg-type]
            [step] = await steps.of_execution(connection, 1)
            moved = Progress(raw_bytes=len(self.written) + len(text), mask_state=0, complete=False)
            await logs.append(connection, step.id, after=len(self.written), pieces=logs.packed(text), progress=moved)
        await database.close()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "data")


@pytest.fixture
def hook(bitbucket: Bitbucket) -> Hook:
    return bitbucket.connect("acme/shop")


@pytest.fixture
def opened(page: Page, bitbucket: Bitbucket, hook: Hook) -> Page:
    """The page of an execution that builds, reached as a person does."""
    begin(bitbucket, hook)
    page.get_by_role("link", name="acme/shop").first.click()
    page.get_by_role("link", name="Build #7").click()
    page.locator('[data-connection="live"]').wait_for()
    return page


def text_of(page: Page) -> Locator:
    return page.locator(".log-step pre")


def test_what_is_written_appears_as_text(opened: Page, log: Log) -> None:
    expect(opened.get_by_text("It has written nothing yet")).to_be_visible()

    log.write(f"+ npm ci\n{HOSTILE}\n\x1b[31mred\x1b[0m\n 1 %\r 99 %\rdone".encode())
    expect(text_of(opened)).to_have_text(f"+ npm ci\n{HOSTILE}\nred\ndone")
    log.write(b", all of it\n\x1b[3")
    log.write(b"2mgreen\n")

    expect(text_of(opened)).to_have_text(f"+ npm ci\n{HOSTILE}\nred\ndone, all of it\ngreen\n")
    expect(opened.locator(".log-step summary")).to_have_text("Build")
    assert opened.locator(".log-step img").count() == 0


def test_it_stays_while_the_rest_of_the_page_changes(opened: Page, bitbucket: Bitbucket, hook: Hook, log: Log) -> None:
    log.write(b"+ npm ci\n")
    expect(text_of(opened)).to_have_text("+ npm ci\n")
    mark(opened)

    report(bitbucket, hook, "SUCCESSFUL", "2026-03-01T09:35:20Z")

    expect(opened.locator(".section-head .status")).to_have_text("SUCCESS")
    expect(text_of(opened)).to_have_text("+ npm ci\n")
    assert is_marked(opened)
