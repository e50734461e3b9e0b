"""What commands print acts on no terminal, whoever wrote it."""

from __future__ import annotations

import ast
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli import main, output
from service.cli.errors import CommandFailed
from service.cli.saying import one_line, say, tame

CLI = Path(__file__).parents[2] / "service" / "cli"

ROWS = [
    ("a title", "a\x1b]0;owned\x07b", "ab"),
    ("a title, ended in the other way", "a\x1b]2;owned\x1b\\b", "ab"),
    ("the clipboard", "a\x1b]52;c;ZXZpbA==\x07b", "ab"),
    ("a link", "\x1b]8;;https://evil.example.com\x07here\x1b]8;;\x07", "here"),
    ("the screen", "a\x1b[2J\x1b[Hb", "ab"),
    ("the cursor", "a\x1b[1A\x1b[2Kb", "ab"),
    ("a mode", "a\x1b[?1049h\x1b[?25lb", "ab"),
    ("a question that the terminal would answer", "a\x1b[6n\x1b[cb", "ab"),
    ("the keyboard's mode, which ends as colours do", "a\x1b[>4;2mb", "ab"),
    ("a reset", "a\x1bcb", "ab"),
    ("a character set", "a\x1b(0b", "ab"),
    ("a device's string", "a\x1bP1$r0m\x1b\\b", "ab"),
    ("one sequence in another", "a\x1b\x1b[2J[2Jb", "a[2Jb"),
    ("a sequence cut in two by another", "a\x1b[3\x1b[2J1mb", "a31mb"),
    ("in one character: a sequence", "a\x9b2Jb", "ab"),
    ("in one character: a title", "a\x9d0;owned\x9cb", "ab"),
    ("in one character: a line", "a\x85b\x84c", "abc"),
    ("a title without an end", "a\x1b]0;what is said", "a0;what is said"),
    ("a sequence without an end", "a\x1b[12", "a12"),
    ("a bell, a step back, nothing", "a\x07\x08\x00\x7f\x0b\x0cb", "ab"),
    ("text to be written over", " 10 %\r 99 %\r\n", " 10 %\n 99 %\n"),
    ("text that hides another", "rm -rf /\rall is well", "rm -rf /\nall is well"),
    ("tabs, line feeds and letters", "\tgrün 进度 🚀\u2028\ufeff\n", "\tgrün 进度 🚀\u2028\ufeff\n"),
]


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize(("text", "left"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_F10_text_is_left_and_what_acts_is_not(text: str, left: str, colours: bool) -> None:
    assert tame(text, colours=colours) == left


def test_F10_colours_are_left_where_they_are_asked_for() -> None:
    text = "\x1b[32m✓\x1b[0m \x1b[1;38;2;9;9;9mbold\x1b[m \x1b[4:3mcurly"

    assert tame(text, colours=True) == text
    assert tame(text, colours=False) == "✓ bold curly"


@given(st.text(st.sampled_from("\x1b\x9b\x9d\x9c\x90\x07\r\n\t\\[](P;?>031mJ ü"), max_size=40), st.booleans())
def test_F10_whatever_is_written_nothing_acts(text: str, colours: bool) -> None:
    left = tame(text, colours=colours)

    rest = re.sub(r"\x1b\[[0-9;:]*m", "", left) if colours else left
    assert {letter for letter in rest if unicodedata.category(letter) == "Cc"} <= {"\n", "\t"}
    assert tame(left, colours=colours) == left


@pytest.mark.parametrize(
    ("piece", "left"),
    [("\x1b]", ""), ("\x9d", ""), ("\x1b[1", "1"), ("\x1bP", ""), ("\x1b", ""), ("\x1b[31m", ""), ("\x9b\x9c1", "1")],
)
def test_F10_a_text_of_nothing_but_beginnings_is_done_before_the_tests_time_is_over(piece: str, left: str) -> None:
    """Where each would be looked at from every other, it would take hours."""
    assert tame(piece * 300_000, colours=False) == left * 300_000


def test_F10_many_returns_are_one_line() -> None:
    assert tame("a" + "\r" * 300_000 + "b", colours=False) == "a\nb"


def test_a_text_from_outside_makes_no_line_of_its_own() -> None:
    assert one_line("Fix it\nexecution 7 is SUCCESS\x1b[32m\tgreen") == "Fix it execution 7 is SUCCESS green"


def test_F10_the_cells_of_a_table_act_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table(["REF", "REASON"], [["ma\x1b[2Jin", "a\nb\x9b31mc"], [None, 7]])

    assert capsys.readouterr().out == "REF   REASON\nmain  a bc\n      7\n"


def test_F10_json_is_the_same_to_a_program_and_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json({"reason": "\x1b[2J\x9b2J\x7f é"})

    shown = capsys.readouterr().out
    assert shown == '{\n  "reason": "\\u001b[2J\\u009b2J\\u007f é"\n}\n'


def test_F10_an_error_is_one_line_that_acts_on_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise CommandFailed("no such branch: \x1b]0;owned\x07x\ny")

    monkeypatch.setattr("service.cli.reference.show_diagram", failing)
    with pytest.raises(SystemExit, match="1"):
        main(["diagram"])

    assert capsys.readouterr().err == "penstock: no such branch: x y\n"


def test_what_is_said_leaves_the_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\tb\nc", end="")
    say()

    assert capsys.readouterr().out == "a\tb\nc\n"


def test_F10_no_command_prints_past_it() -> None:
    """Apart from the log, which knows a terminal by itself, and what a long command tells of its own progress."""
    printing = {
        file.stem
        for file in CLI.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    }

    assert printing == {"saying", "shown_log", "progress"}
