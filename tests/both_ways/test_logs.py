"""What is streamed is what is stored is what Bitbucket has, byte for byte after masking."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from service.simulator import Run, Simulator
from service.store import accounts
from service.store import logs as stored_logs
from service.store.database import Database
from service.workers import reel, tailing
from tests.both_ways.conftest import TOKEN, Both, both_running
from tests.both_ways.reading import Heard, read_on, reading, stored

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# What real logs hold: several scripts and emoji, colours, lines that are drawn over, no line end at the end.
LINES = (
    "+ npm ci\n",
    "\x1b[32m✓\x1b[0m gebaut in 3 s – prüfen\r\n",
    "  10%\r  55%\r 100%\r\n",
    "进度 🚀🚀🚀 完成\n",
    "<script>alert(1)</script> & \"quoted\" 'too' \\ \x07\x08\n",
    "\u2028 \u2029 \ufeff\n\n\n",
)

SECRET = "hunter2-but-longer"


def text_of(size: int, seed: int = 1) -> bytes:
    chance, text = random.Random(seed), bytearray()
    while len(text) < size:
        text += chance.choice(LINES).encode()
    return bytes(text[:size].decode(errors="ignore").encode())


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges, pieces and rounds so small that their borders are everywhere."""
    monkeypatch.setattr(tailing, "PART", 1009)
    monkeypatch.setattr(tailing, "ROUND", 4001)
    monkeypatch.setattr(stored_logs, "PIECE", 701)


async def test_streamed_is_stored_is_bitbuckets(both: Both, narrow: None) -> None:
    run = await both.shop.start_run("main")
    wrote: dict[str, bytes] = {}
    execution = await both.execution(run)
    heard = Heard()
    async with reading(both, execution["id"]) as stream:
        for number, name in enumerate(("Build", "Test", "Deploy")):
            await run.advance_to(name)
            wrote[name] = text_of(9000, seed=number)
            for at in range(0, 9000, 3001):  # characters are cut in two
                await run.write(wrote[name][at : at + 3001])
                await _heard(stream, heard, at_least=sum(map(len, wrote.values())) - 9000 + at)
        await run.finish()
        for event in await stream.rest():
            heard.take(event)

    assert heard.ended == "SUCCESS"
    assert heard.texts == wrote
    assert await stored(both, execution["id"]) == b"".join(wrote.values())
    for name, text in wrote.items():
        assert await stored(both, execution["id"], name) == text == bytes(run.step(name).log)


async def test_a_stream_is_resumed_at_any_place_without_gap_or_repeat(both: Both, narrow: None) -> None:
    execution, run = await _finished(both, text_of(20_000))
    heard = Heard()
    await read_on(both, execution["id"], heard)
    assert heard.texts == {"Build": bytes(run.step("Build").log)}

    pieces = Heard()
    chance = random.Random(2)
    while pieces.ended is None:
        await read_on(both, execution["id"], pieces, events=chance.randrange(1, 9))
        if pieces.bytes == heard.bytes:
            await read_on(both, execution["id"], pieces)

    assert pieces.texts == heard.texts


async def test_a_log_goes_on_where_it_was_when_the_service_was_stopped(
    bitbucket: Simulator, tmp_path: Path, narrow: None
) -> None:
    text = text_of(16_000, seed=3)
    heard = Heard()
    async with both_running(bitbucket, tmp_path) as both:
        await _keep_secret(both, SECRET)
        run = await both.shop.start_run("main")
        execution = await both.execution(run)
        await run.write(text + SECRET[:7].encode())  # stopped within a secret, the rest of which is not written yet
        async with reading(both, execution["id"]) as stream:
            await _heard(stream, heard, at_least=len(text))
    await run.write(SECRET[7:].encode() + b" was it; \xf0\x9f")
    async with both_running(bitbucket, tmp_path) as both, reading(both, execution["id"], heard.last_id) as stream:
        await _heard(stream, heard, at_least=len(text) + 8)
    await run.write(b"\x9a\x80\n" + text)
    await run.finish()
    async with both_running(bitbucket, tmp_path) as both:
        await both.execution(execution["id"], status="SUCCESS")
        await read_on(both, execution["id"], heard)

        whole = await stored(both, execution["id"])

    assert whole == text + "**** was it; 🚀\n".encode() + text
    assert (heard.texts, heard.ended) == ({"Build": whole}, "SUCCESS")


async def test_F4_no_secret_is_readable_in_any_form_wherever_it_was_cut(both: Both, narrow: None) -> None:
    await _keep_secret(both, SECRET)
    asked = "only-for-this-one-run"
    execution = await both.trigger(variables=[{"key": "ONCE", "value": asked, "secured": True}])
    run = await both.until(lambda: _latest(both))
    await run.begin()
    shown = [
        form(secret)
        for secret in (SECRET, asked, TOKEN)
        for form in (
            str,
            lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
            lambda s: quote(f"https://user:{s}@host/", safe=""),
            lambda s: json.dumps({"password": s}),
        )
    ]
    for number, line in enumerate(shown * 30):
        await run.write(f"{'.' * (number % 83)}{line}\n")
    await run.finish()
    await both.execution(execution["id"], status="SUCCESS")
    heard = Heard()
    await read_on(both, execution["id"], heard)

    text = (await stored(both, execution["id"])).decode()

    assert heard.texts["Build"] == text.encode()
    assert text.count("****") >= len(shown) * 30
    for secret in (SECRET, asked, TOKEN):
        for at in range(len(secret) - 8):
            assert secret[at : at + 9] not in text
        assert base64.b64encode(f"user:{secret}".encode()).decode()[12:24] not in text


async def test_X42_bytes_that_are_no_text_are_replaced_and_the_rest_stays(both: Both) -> None:
    execution, _ = await _finished(both, b"caf\xe9 \xff\xfe\xed\xa0\x80 fine \xf0\x9f\x9a\n\x00 end \xf0\x9f")

    assert (await stored(both, execution["id"])).decode() == (
        b"caf\xe9 \xff\xfe\xed\xa0\x80 fine \xf0\x9f\x9a\n\x00 end \xf0\x9f".decode(errors="replace")
    )


async def test_X42_a_server_that_knows_no_ranges_costs_time_and_no_byte(both: Both, narrow: None) -> None:
    both.shop.logs_honour_range = False
    text = text_of(9000)
    run = await both.shop.start_run("main")
    execution = await both.execution(run)
    await run.write(text)
    await both.until(lambda: _has(both, execution["id"], len(text)))
    await run.write(text)
    await run.finish()
    await both.execution(execution["id"], status="SUCCESS")
    await both.until(lambda: _has(both, execution["id"], 2 * len(text)))

    assert await stored(both, execution["id"]) == text + text


async def test_X42_a_log_that_became_another_one_is_told_and_read_from_its_beginning(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("+ npm ci\nadded 3 packages\n")
    execution = await both.execution(run)
    await both.until(lambda: _has(both, execution["id"], len(run.step("Build").log)))
    run.step("Build").log[:] = b"+ npm ci --verbose\nadded 3 packages\n"
    await run.write("done\n")
    await run.finish()
    await both.execution(execution["id"], status="SUCCESS")
    await both.until(lambda: _complete(both, execution["id"]))
    heard = Heard()

    await read_on(both, execution["id"], heard)

    first, second = b"+ npm ci\nadded 3 packages\n", b"+ npm ci --verbose\nadded 3 packages\ndone\n"
    assert await stored(both, execution["id"]) == first + reel.ANEW + second
    assert heard.texts == {"Build": first + reel.ANEW + second}


async def test_X42_a_log_that_stays_shorter_than_it_was_is_told_and_read_from_its_beginning(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("+ npm ci\nadded 3 packages\n")
    execution = await both.execution(run)
    await both.until(lambda: _has(both, execution["id"], len(run.step("Build").log)))
    run.step("Build").log[:] = b"cut\n"
    await run.finish()
    await both.execution(execution["id"], status="SUCCESS")
    await both.until(lambda: _complete(both, execution["id"]))

    assert await stored(both, execution["id"]) == b"+ npm ci\nadded 3 packages\n" + reel.ANEW + b"cut\n"


@pytest.mark.parametrize("left", [0, 5, 20])
async def test_X42_a_log_that_is_shorter_for_a_while_is_waited_for(both: Both, left: int) -> None:
    """As one is that another of Bitbucket's servers tells, which is behind."""
    run = await both.shop.start_run("main")
    await run.write("+ npm ci\nadded 3 packages\n")
    execution = await both.execution(run)
    whole = bytes(run.step("Build").log)
    await both.until(lambda: _has(both, execution["id"], len(whole)))
    async with reading(both, execution["id"]):  # watched, it is looked at often
        before = both.asked("GET", "/log")
        run.step("Build").log[:] = whole[:left]
        await both.until(lambda: _asked(both, before + 2))
        run.step("Build").log[:] = whole
    await run.write("done\n")
    await run.finish()
    await both.execution(execution["id"], status="SUCCESS")
    await both.until(lambda: _complete(both, execution["id"]))

    assert await stored(both, execution["id"]) == whole + b"done\n"


async def test_when_bitbucket_is_away_the_reader_is_told_and_the_stream_goes_on(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.workers.following.FIRST_PAUSE", 0.3)
    monkeypatch.setattr("service.client.calls.FIRST_PAUSE", 0.02)
    run = await both.shop.start_run("main")
    execution = await both.execution(run)
    heard = Heard()
    async with reading(both, execution["id"]) as stream:
        await run.write("before\n")
        await _heard(stream, heard, at_least=7)
        both.bitbucket.route_faults.answer("GET", "/pipelines", 503, times=None)
        while not heard.errors:
            event = await stream.next()
            assert event is not None
            heard.take(event)
        await run.write("after\n")
        await run.finish()
        both.bitbucket.route_faults.clear()
        for event in await stream.rest():
            heard.take(event)

    assert "503" in heard.errors[0]
    assert heard.texts == {"Build": b"before\nafter\n"}
    assert heard.ended == "SUCCESS"


async def test_the_log_of_a_run_that_was_halted_is_whole_too(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("it breaks\n")
    execution = await both.execution(run)
    await run.halt()
    heard = Heard()

    await read_on(both, execution["id"], heard)

    assert (heard.texts, heard.ended) == ({"Build": b"it breaks\n"}, "FAILED")


async def test_a_step_that_is_run_again_has_a_log_of_its_own_and_the_first_one_stays(both: Both) -> None:
    run = await both.shop.start_run("main")
    await run.write("first\n")
    await run.finish("FAILED")
    execution = await both.execution(run, status="FAILED", confirmed=True)
    await both.until(lambda: _has(both, execution["id"], 6))
    await run.rerun()
    await run.write("second\n")
    await both.execution(run, attempt=2)
    await run.finish()
    await both.execution(run, status="SUCCESS", confirmed=True)
    heard = Heard()

    await read_on(both, execution["id"], heard)

    assert heard.texts == {"Build": b"first\n", "Build (2)": b"second\n"}


async def test_steps_of_one_name_are_told_from_each_other(both: Both) -> None:
    run = await both.shop.start_run("main", steps=["Test", "Test"])
    await run.write("one\n")
    first, second = run.all_steps
    first.state, first.result, first.completed_on = "COMPLETED", "SUCCESSFUL", both.bitbucket.clock.now()
    second.state, second.started_on = "IN_PROGRESS", both.bitbucket.clock.now()
    await run.write("two\n")
    await run.finish()
    execution = await both.execution(run, status="SUCCESS")
    heard = Heard()

    await read_on(both, execution["id"], heard)

    assert heard.texts == {"Test": b"one\n", "Test (2)": b"two\n"}


@pytest.mark.parametrize(
    ("asked", "reason", "again"),
    [
        ("soon", "malformed", True),
        ("-1", "malformed", True),
        ("99999999999999999999999999999999", "unknown", False),
        ("9" * 5000, "unknown", False),
    ],
)
async def test_a_place_that_was_never_told_is_answered_with_a_reset(
    both: Both, asked: str, reason: str, again: bool
) -> None:
    execution, _ = await _finished(both, b"it was\n")

    async with reading(both, execution["id"], asked) as stream:
        events = await stream.rest()

    names = ["subscribed", "reset", *(["log_update"] if again else []), "log_complete"]
    assert [event.name for event in events] == names
    assert events[1].content["reason"] == reason


async def test_zeros_before_a_place_change_nothing(both: Both, narrow: None) -> None:
    execution, _ = await _finished(both, text_of(9000))
    heard = Heard()
    await read_on(both, execution["id"], heard, events=3)

    async with reading(both, execution["id"], "0" * 3000 + str(heard.last_id)) as stream:
        for event in await stream.rest():
            heard.take(event)

    assert heard.ended == "SUCCESS"


async def test_of_many_readers_one_asks_the_database(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await both.shop.start_run("main")
    await run.write("+ npm ci\n")
    execution = await both.execution(run)
    await both.until(lambda: _has(both, execution["id"], 9))
    asked: list[str] = []
    for name in ("standing", "after"):
        _note(monkeypatch, name, asked)
    streams = [reading(both, execution["id"]) for _ in range(20)]
    opened = [await stream.__aenter__() for stream in streams]
    heard = [Heard() for _ in opened]
    try:
        for stream, one in zip(opened, heard, strict=True):
            await _heard(stream, one, at_least=9)
        asked.clear()
        await run.write("+ npm test\n")
        for stream, one in zip(opened, heard, strict=True):
            await _heard(stream, one, at_least=20)
        for_all = list(asked)
    finally:
        for closing in streams:
            await closing.__aexit__(None, None, None)

    assert for_all.count("after") == 1
    assert for_all.count("standing") < len(opened)


async def test_who_may_see_it_no_more_is_let_go(both: Both) -> None:
    run = await both.shop.start_run("main")
    execution = await both.execution(run)
    async with reading(both, execution["id"]) as stream:
        await stream.next()
        async with both.penstock.house.recorder.record() as record:
            for one in await accounts.list_tokens(record.connection):
                await accounts.revoke_token(record.connection, one.id)
            record.rights_changed()
        events = await stream.rest()

    assert [event.name for event in events] == ["bye"]
    assert events[0].content == {"reason": "revoked"}


@pytest.fixture
async def logged(both: Both) -> tuple[Both, int, bytes]:
    """An execution with a log of three steps, and all of its text."""
    run = await both.shop.start_run("main")
    whole = b""
    for name in ("Build", "Test", "Deploy"):
        await run.advance_to(name)
        text = f"+ {name}: ✓ prüfen 🚀\nÄrger\n".encode() + text_of(500)
        await run.write(text)
        whole += text
    await run.finish()
    execution = await both.execution(run, status="SUCCESS")
    await both.until(lambda: _has(both, execution["id"], len(whole)))
    return both, execution["id"], whole


Logged = tuple[Both, int, bytes]


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-99", 5, 100),
        ("bytes=700-", 700, None),
        ("bytes=-7", -7, None),
        ("bytes=-999999", 0, None),
        ("bytes=3-99999999999", 3, None),
    ],
)
async def test_a_part_of_the_text_is_had_by_range(logged: Logged, asked: str, begin: int, end: int | None) -> None:
    both, number, whole = logged
    path = f"/api/pipelines/{both.pipeline_id}/logs?execution_id={number}"

    answer = await both.penstock.client.get(path, headers={"Accept": "text/plain", "Range": asked})

    first = begin if begin >= 0 else len(whole) + begin
    assert (answer.status_code, answer.content) == (206, whole[first:end])
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
async def test_a_range_behind_the_end_is_a_416_that_tells_the_size(logged: Logged, asked: str) -> None:
    both, number, whole = logged
    path = f"/api/pipelines/{both.pipeline_id}/logs?execution_id={number}"

    answer = await both.penstock.client.get(path, headers={"Accept": "text/plain", "Range": asked})

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(whole)}")


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=9-2", "bytes=", "bytes=-", f"bytes={'9' * 40}-"]
)
async def test_what_is_no_single_range_of_bytes_is_ignored(logged: Logged, asked: str) -> None:
    both, number, whole = logged
    path = f"/api/pipelines/{both.pipeline_id}/logs?execution_id={number}"

    answer = await both.penstock.client.get(path, headers={"Accept": "text/plain", "Range": asked})

    assert (answer.status_code, answer.content) == (200, whole)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 1000])
async def test_the_json_form_is_read_page_by_page_in_whole_characters(logged: Logged, limit: int) -> None:
    both, number, whole = logged
    path = f"/api/pipelines/{both.pipeline_id}/logs"
    text, offset, pages = "", 0, 0
    while offset is not None and pages < 40:
        page = await both.penstock.get(path, execution_id=number, limit=limit, offset=offset)
        assert page["offset"] == offset
        assert "\N{REPLACEMENT CHARACTER}" not in page["text"]
        text, offset, pages = text + page["text"], page["next_offset"], pages + 1

    assert page["bytes"] == len(whole)
    assert whole.startswith(text.encode())
    assert text.encode() == whole or pages == 40


async def test_the_latest_execution_is_meant_unless_one_is_named(logged: Logged) -> None:
    both, number, whole = logged
    path = f"/api/pipelines/{both.pipeline_id}/logs"

    page = await both.penstock.get(path)

    assert (page["execution_id"], page["status"], page["bytes"]) == (number, "SUCCESS", len(whole))
    assert [(step["name"], step["complete"]) for step in page["steps"]] == [
        ("Build", True),
        ("Test", True),
        ("Deploy", True),
    ]
    assert (await both.penstock.client.get(path, params={"execution_id": 999})).status_code == 404
    assert (await both.penstock.client.get(path, params={"step": "Fly"})).status_code == 404


@pytest.mark.parametrize(
    ("query", "step", "found"),
    [
        ("ärger", None, ["Build", "Test", "Deploy"]),
        ("+ TEST:", None, ["Test"]),
        ("🚀\n", None, []),
        ("prüfen", "Deploy", ["Deploy"]),
        ("nowhere to be found", None, []),
    ],
)
async def test_lines_are_found_whatever_the_case_of_their_letters(
    logged: Logged, query: str, step: str | None, found: list[str]
) -> None:
    both, number, _ = logged
    wanted = {"execution_id": number, "q": query, **({"step": step} if step else {})}

    answer = await both.penstock.get(f"/api/pipelines/{both.pipeline_id}/logs", **wanted)

    matches = [one for one in answer["matches"] if one["text"].startswith(("+", "Ärger"))]
    assert [one["step"] for one in matches] == found
    for one in matches:
        text = await stored(both, number, one["step"])
        assert text[one["offset"] :].decode().startswith(one["text"])


async def test_the_text_of_a_search_is_the_lines_it_finds(logged: Logged) -> None:
    both, number, whole = logged
    wanted = {"execution_id": number, "q": "ÄRGER"}

    answer = await both.penstock.client.get(
        f"/api/pipelines/{both.pipeline_id}/logs", params=wanted, headers={"Accept": "text/plain"}
    )

    assert answer.content == b"".join(line for line in whole.splitlines(True) if line.startswith("Ärger".encode()))
    assert answer.content.count(b"\n") == 3


async def test_a_log_without_line_ends_is_searched_without_being_held(both: Both) -> None:
    execution, _ = await _finished(both, b"x" * 300_000 + b" needle " + b"y" * 300_000)

    answer = await both.penstock.get(
        f"/api/pipelines/{both.pipeline_id}/logs", execution_id=execution["id"], q="needle", limit=4
    )

    [match] = answer["matches"]
    assert 200_000 < match["offset"] < 300_000


async def _heard(stream: Any, heard: Heard, *, at_least: int) -> None:
    while heard.bytes < at_least:
        event = await stream.next()
        assert event is not None, f"the stream ended after {heard.bytes} of {at_least} bytes"
        heard.take(event)


async def _finished(both: Both, text: bytes) -> tuple[dict[str, Any], Run]:
    """A run whose first step has written `text`."""
    run = await both.shop.start_run("main")
    await run.write(text)
    await run.finish()
    execution = await both.execution(run, status="SUCCESS", confirmed=True)
    await both.until(lambda: _complete(both, execution["id"]))
    return execution, run


async def _complete(both: Both, execution_id: int) -> bool:
    known = (await both.penstock.get(f"/api/executions/{execution_id}"))["steps"]
    return bool(known) and all(step["log_complete"] for step in known)


async def _has(both: Both, execution_id: int, size: int) -> bool:
    path = f"/api/pipelines/{both.pipeline_id}/logs"
    return bool((await both.penstock.get(path, execution_id=execution_id))["bytes"] >= size)


async def _asked(both: Both, times: int) -> bool:
    return both.asked("GET", "/log") >= times


async def _latest(both: Both) -> Run | None:
    return both.shop.runs[-1] if both.shop.runs else None


async def _keep_secret(both: Both, value: str) -> None:
    variables = [{"key": "PASSWORD", "value": value, "secured": True}]
    answer = await both.penstock.client.put(
        f"/api/pipelines/{both.pipeline_id}", json={"environment_variables": variables}
    )
    assert answer.status_code == 200, answer.text


def _note(monkeypatch: pytest.MonkeyPatch, name: str, asked: list[str]) -> None:
    real = getattr(stored_logs, name)

    async def noting(connection: Database, *rest: Any) -> Any:
        asked.append(name)
        return await real(connection, *rest)

    monkeypatch.setattr(stored_logs, name, noting)
