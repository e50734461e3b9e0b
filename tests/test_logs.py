"""The service's own log: one line an event, whatever stands in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from service import logs


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What has come to standard error since it was asked last; logging is as before afterwards."""
    root, own = logging.getLogger(), [logging.getLogger(name) for name in ("service", "handlers")]
    levels = [(logger, logger.level) for logger in (root, *own)]
    monkeypatch.setattr(root, "handlers", [])
    yield lambda: capsys.readouterr().err
    for logger, level in levels:
        logger.setLevel(level)


def test_an_event_is_its_name_and_what_is_known_of_it(said: Callable[[], str]) -> None:
    logs.configure("info")

    logging.getLogger("service.workers").warning("worker.waits", extra={"topic": "inbox", "reason": "OSError"})

    [line] = said().splitlines()
    assert line.split(" ", 1)[1] == "warning worker.waits topic=inbox reason=OSError"


def test_nothing_in_a_value_can_begin_another_line(said: Callable[[], str]) -> None:
    logs.configure("info")

    logging.getLogger("service").warning("delivery.failed", extra={"ref": "main\r\n2026 error forged"})

    assert len(said().splitlines()) == 1


def test_a_line_is_as_long_as_a_person_reads(said: Callable[[], str]) -> None:
    logs.configure("info")

    logging.getLogger("service").warning("delivery.failed", extra={"ref": "x" * 100_000})

    assert len(said()) == logs.LONGEST + 1


def test_an_exception_brings_its_traceback(said: Callable[[], str]) -> None:
    logs.configure("info")

    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        logging.getLogger("service").exception("delivery.failed", extra={"delivery": "1"})

    text = said()
    assert "delivery.failed delivery=1\nTraceback" in text
    assert text.endswith("ZeroDivisionError: by nothing\n")


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("error", 0)])
def test_the_level_is_the_services_own_and_libraries_speak_up_from_warning_on(
    said: Callable[[], str], level: str, count: int
) -> None:
    logs.configure(level)

    for say in (logging.getLogger("service").debug, logging.getLogger("service").info):
        say("service.event")
    logging.getLogger("library").info("library.event")
    logging.getLogger("service").warning("service.event")

    text = said()
    assert text.count("service.event") == count
    assert "library.event" not in text
