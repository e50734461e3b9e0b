"""Templates of an operator's own: they win, and one that is broken stops no message."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from service.notifications.wording import Wordings
from service.settings import BadSetting, from_environ
from tests.living import living
from tests.notifications.test_forms import told

OWN = "Oh no, {{ told.repository }}\n\n{{ told.branch }} is broken.\n\nSay sorry.\n"
BROKEN = {
    "no template": "{% if %}",
    "an unknown field": "{{ told.colour }}",
    "nothing": "\n\n",
    "no text": b"\xff\xfe",
    "an unknown filter": "{{ told.branch | shout }}",
    "arithmetic": "{{ 1 / 0 }}",
    "another one's part": '{% include "notifications/none.txt" %}',
    "itself": '{% include "notifications/failed.txt" %}',
}


def written(folder: Path, text: str | bytes, event: str = "failed") -> Path:
    (folder / "notifications").mkdir(exist_ok=True)
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "notifications" / f"{event}.txt").write_bytes(raw)
    return folder


def test_a_file_of_ones_own_goes_before_the_shipped_one_and_the_others_stay(tmp_path: Path) -> None:
    own, shipped = Wordings(written(tmp_path, OWN)), Wordings()
    wording = own.of(told())

    assert (wording.title, wording.lead, wording.next_step) == ("Oh no, acme/shop", "main is broken.", "Say sorry.")
    assert own.of(told("succeeded")) == shipped.of(told("succeeded"))


def test_a_changed_file_is_taken_without_a_restart(tmp_path: Path) -> None:
    own = Wordings(tmp_path)
    before = own.of(told()).title
    written(tmp_path, OWN)

    assert before == Wordings().of(told()).title
    assert own.of(told()).title == "Oh no, acme/shop"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_stops_no_message_and_is_told_in_the_log_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    own = Wordings(written(tmp_path, BROKEN[name]))
    with caplog.at_level(logging.WARNING):
        found = [own.explained(told()) for _ in range(3)]

    assert {wording for wording, _ in found} == {Wordings().of(told())}
    assert {wrong for _, wrong in found} != {None}
    [line] = [record.getMessage() for record in caplog.records]
    assert line == f"{found[0][1]}; the shipped one is used"
    assert line.startswith("your notifications/failed.txt")


def test_a_file_that_is_mended_is_used_again_and_a_new_mistake_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = Wordings(written(tmp_path, "{% if %}"))
    with caplog.at_level(logging.WARNING):
        own.of(told())
        written(tmp_path, OWN)
        mended = own.explained(told())
        written(tmp_path, "{{ told.colour }}")
        own.of(told())

    assert (mended[0].title, mended[1]) == ("Oh no, acme/shop", None)
    assert len(caplog.records) == 2


def test_the_directory_has_to_be_there(tmp_path: Path) -> None:
    assert from_environ({"PENSTOCK_TEMPLATES": str(tmp_path)}).templates == str(tmp_path)
    with pytest.raises(BadSetting, match="PENSTOCK_TEMPLATES must be a directory that is there"):
        from_environ({"PENSTOCK_TEMPLATES": str(tmp_path / "none")})


@pytest.mark.anyio
async def test_a_preview_shows_the_text_that_is_used_and_says_what_is_wrong_with_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    written(own, OWN)
    written(own, "{% if %}", "succeeded")
    async with living({"PENSTOCK_DATA_DIR": str(tmp_path / "data"), "PENSTOCK_TEMPLATES": str(own)}) as penstock:
        target = {"kind": "slack", "url": "https://8.8.8.8/services/1"}
        made = (await penstock.client.post("/api/notifications", json={"name": "a", "target": target})).json()

        async def preview(event: str) -> Any:
            answer = await penstock.client.post(f"/api/notifications/{made['id']}/preview", json={"event": event})
            return answer.json()

        mine, broken = await preview("failed"), await preview("succeeded")

    assert (mine["title"], mine["warning"]) == ("Oh no, acme/shop", None)
    assert "Say sorry." in mine["content"]
    assert "acme/shop" in broken["title"]
    assert broken["warning"].startswith("your notifications/succeeded.txt, line 1 cannot be used")
