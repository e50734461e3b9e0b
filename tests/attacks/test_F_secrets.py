"""Row F: secrets and logs. Nothing that is secret is read back, and nothing that is shown can act.

F1 and F8 are in tests/web/test_secrets.py, F2 and F3 in tests/client/test_secrets.py, F4 and F5 in
tests/test_masking.py and tests/both_ways/test_logs.py, F7 in tests/web/test_things.py, F9 in tests/test_vault.py, F11
in tests/web/test_pages.py and, of logs, in tests/browser/test_execution.py. F10 in a terminal is in
tests/cli/test_saying.py and tests/both_ways/test_in_a_terminal.py.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import httpx
import msgspec
import pytest

from service.bitbucket.answers import PullRequest
from service.simulator import Repository, Simulator
from tests.both_ways.conftest import Both, both_running

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ROWS = [f"F{number}" for number in range(1, 13)]

ACTING = "\x1b]0;owned\x07\x1b[2J\x1b]8;;https://evil.example.com\x07here\x1b]8;;\x07<script>alert(1)</script>\r\n"


def test_every_row_is_a_test() -> None:
    """By its name: a row that is renamed away is missed."""
    names = {
        row
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for row in re.findall(r"(?<=_)(F[0-9]+)(?=_)", node.name)
    }

    assert [row for row in ROWS if row not in names] == []


def test_F2_no_address_is_built_with_a_credential_in_it() -> None:
    """A token in an address ends in the logs of every proxy on the way."""
    found = [
        f"{file.relative_to(ROOT)}: {match}"
        for room in ("client", "bitbucket", "workers")
        for file in (ROOT / "service" / room).rglob("*.py")
        for match in re.findall(r"://\{?[^\s\"'/]*@|x-token-auth|access_token=", file.read_text())
    ]

    assert found == []


def test_F6_no_artifact_is_ever_fetched() -> None:
    """What a step has printed into a file stays at Bitbucket."""
    rooms = ("client", "bitbucket/requests")
    files = [file for room in rooms for file in (ROOT / "service" / room).rglob("*.py")]

    assert files
    assert [file for file in files if re.search(r"artifact|downloads|test_reports", file.read_text())] == []


async def test_F10_a_log_acts_on_nobody_who_reads_its_text(tmp_path: Path) -> None:
    """Its bytes are kept, and are given as what they are: text, which no browser takes for anything else."""
    async with Simulator.running() as bitbucket, both_running(bitbucket, tmp_path) as both:
        answer = await _log_of(both, ACTING)

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text == ACTING


async def _log_of(both: Both, text: str) -> httpx.Response:
    shop: Repository = both.shop
    run = await shop.start_run("main")
    await run.write(text)
    execution = await both.execution(run)
    path = f"/api/pipelines/{both.pipeline_id}/logs?execution_id={execution['id']}"

    async def stored() -> httpx.Response | None:
        answer = await both.penstock.client.get(path, headers={"Accept": "text/plain"})
        return answer if answer.content else None

    return await both.until(stored)


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("https://bitbucket.org/acme/shop/pull-requests/1", "https://bitbucket.org/acme/shop/pull-requests/1"),
        ("javascript:alert(1)", None),
        ("JAVASCRIPT:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("http://bitbucket.org/acme/shop/pull-requests/1", None),
        (" https://bitbucket.org", None),
        ("", None),
    ],
)
def test_F12_only_an_address_of_the_web_becomes_a_link(link: str, page: str | None) -> None:
    end = {"branch": {"name": "main"}}
    answer = {"id": 1, "title": "t", "state": "OPEN", "source": end, "destination": end}

    read = msgspec.convert({**answer, "links": {"html": {"href": link}}}, PullRequest)

    assert read.links.page == page


def test_F11_F12_no_page_builds_html_or_an_address_from_what_it_is_told() -> None:
    """Scripts write text; the only addresses that they build are our own, with a number in them."""
    scripts = {file.name: file.read_text() for file in (ROOT / "templates" / "static").glob("*.js")}
    built = [
        (name, made)
        for name, text in scripts.items()
        for made in re.findall(r"\.href\s*=\s*(.*?);", text)
        if not re.fullmatch(r"`/[a-z]+/\$\{Number\([a-z_.]+\)\}`", made)
    ]

    assert scripts
    assert built == []
    assert [
        name for name, text in scripts.items() if re.search(r"insertAdjacentHTML|document\.write|eval\(", text)
    ] == []
    templates = [file.read_text() for file in (ROOT / "templates" / "pages").glob("*.html")]
    assert [text for text in templates if re.search(r"\|\s*safe\b|autoescape false", text)] == []
