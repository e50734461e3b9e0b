"""Commands: 0 for what was done, 1 with one line for what failed, 2 for what was wrongly asked."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from service import __version__, machine, settings
from service.cli import COMMANDS, main
from service.store import migrate
from tests.cli.conftest import Run

pytestmark = pytest.mark.long

PASSWORD = "correct horse battery\n"


def test_an_account_and_its_token_from_the_first_to_the_last(run: Run) -> None:
    made = run("user", "add", "ada", "--admin", "--password-stdin", stdin=PASSWORD)
    twice = run("user", "add", "ada", "--password-stdin", stdin=PASSWORD)
    token = run("token", "create", "ada", "--name", "laptop", "--expires-days", "7")
    users, tokens = run("user", "list", "--json"), run("token", "list", "--json")
    revoked = run("token", "revoke", str(tokens.json[0]["id"]))
    again = run("token", "revoke", str(tokens.json[0]["id"]))
    removed, gone = run("user", "remove", "ada"), run("user", "remove", "ada")

    assert (made.status, made.out) == (0, "ada may sign in and administrate\n")
    assert twice.failure == "there is an account named 'ada' already"
    assert re.fullmatch(r"pst_[\w-]{40,}\n", token.out)
    assert [(user["name"], user["admin"]) for user in users.json] == [("ada", True)]
    assert [(one["user"], one["name"]) for one in tokens.json] == [("ada", "laptop")]
    assert token.out.strip() not in tokens.out
    assert revoked.status == removed.status == 0
    assert again.failure.startswith("there is no token")
    assert gone.failure.startswith("there is no account named 'ada'")


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (("user", "add", "ada", "--password-stdin"), "short\n", "12 characters or more; this one has 5"),
        (("user", "add", "ada", "--password-stdin"), "", "12 characters or more"),
        (("user", "add", "ada"), "", "use --password-stdin"),
        (("user", "add", "a b", "--password-stdin"), PASSWORD, "'a b' cannot be a name"),
        (("token", "create", "nobody"), "", "penstock user add nobody"),
        (("token", "revoke", "7"), "", "penstock token list"),
        (("deliveries", "show", "no-such"), "", "penstock deliveries list"),
        (("deliveries", "replay", "no-such"), "", "penstock deliveries list"),
        (("serve", "--host", "203.0.113.1", "--port", "0"), "", "choose another with --port"),
        (("detect", "no-such-directory"), "", "no-such-directory"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_with_the_next_step(
    run: Run, words: tuple[str, ...], stdin: str, told: str
) -> None:
    assert told in run(*words, stdin=stdin).failure


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PENSTOCK_DATABASE_URL", "sqlite+aiosqlite:////no/such/directory/x.db", "the database cannot be used"),
        ("PENSTOCK_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none", "the database cannot be used"),
        ("PENSTOCK_DATABASE_URL", "mysql://x", "PENSTOCK_DATABASE_URL must begin with"),
        ("PENSTOCK_BUS_URL", "kafka://x", "kafka"),
        ("PENSTOCK_SECRET_KEYS", "short", "openssl rand -base64 32"),
        ("PENSTOCK_LOG_LEVLE", "info", "did you mean PENSTOCK_LOG_LEVEL?"),
    ],
)
def test_a_service_that_cannot_start_says_why_in_one_line(run: Run, name: str, value: str, told: str) -> None:
    assert told in run("serve", "--port", "0", **{name: value}).failure


def test_a_setting_in_a_file_beside_the_process_counts_below_the_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PENSTOCK_LOG_LEVEL=nonsense\n")

    assert "LOG_LEVEL" in run("user", "list").failure
    assert run("user", "list", PENSTOCK_LOG_LEVEL="info").status == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("user",),
        ("user", "add"),
        ("token", "revoke", "x"),
        ("token", "revoke", "9" * 30),
        ("token", "create", "ada", "--expires-days", "0"),
        ("deliveries", "list", "--limit", "0"),
        ("deliveries", "list", "--status", "lost"),
        ("serve", "--role", "king"),
        ("serve", "--port", "x"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))

    assert ended.value.code == 2
    assert "usage: penstock" in capsys.readouterr().err


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_explains_itself(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word, "--help"])

    assert ended.value.code == 0
    assert f"usage: penstock {word}" in capsys.readouterr().out


def test_the_program_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out == f"penstock {__version__}\n"


def test_the_diagram_is_the_table_that_the_program_runs_by(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["diagram"])

    assert (ended.value.code, capsys.readouterr().out) == (0, machine.diagram())


def test_settings_are_listed_with_default_and_meaning(run: Run) -> None:
    listed, shown = run("settings", "--json"), run("settings")

    assert [(row["name"], row["default"], row["meaning"]) for row in listed.json] == settings.table()
    assert all(name in shown.out for name, _, _ in settings.table())


def test_a_database_is_made_upgraded_and_looked_over(run: Run) -> None:
    told = [run("db", "check"), run("db", "upgrade"), run("db", "upgrade")]

    assert [(one.status, one.out) for one in told] == [
        (0, f"the database is whole: schema {migrate.NEWEST}, 0 entries logged so far\n"),
        (0, f"the database is at schema {migrate.NEWEST}\n"),
        (0, f"the database is at schema {migrate.NEWEST}\n"),
    ]


def test_a_database_of_a_newer_version_is_left_alone(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    connection = sqlite3.connect(tmp_path / "data" / "penstock.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()

    assert [("newer" in run(*words).failure) for words in (("user", "list"), ("serve", "--port", "0"))] == [True] * 2


def test_a_file_that_is_no_database_is_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "penstock.db").write_bytes(b"not a database, but long enough to be taken for one" * 50)

    assert "file is not a database" in run("db", "check").failure


def test_what_there_is_nothing_of_is_said_in_words(run: Run) -> None:
    assert "penstock user add" in run("user", "list").out
    assert "penstock token create" in run("token", "list").out
    assert "nothing was delivered yet" in run("deliveries", "list").out
    assert run("deliveries", "list", "--json").json == []


def test_a_reader_that_has_seen_enough_is_no_failure(environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "settings", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None

    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


def test_an_account_is_linked_with_one_at_bitbucket_and_no_two_with_the_same(run: Run) -> None:
    uuid = "{0d1a7c3f-7c8e-4f1f-9a57-2f9b4c1d7e01}"
    for name in ("ada", "bob"):
        run("user", "add", name, "--password-stdin", stdin="correct horse battery\n")

    assert run("user", "link", "ada", uuid).status == 0
    assert run("user", "link", "ada", uuid.strip("{}").upper()).status == 0
    assert "another account" in run("user", "link", "bob", uuid).failure
    assert "no account named" in run("user", "link", "eve", uuid).failure
    assert "is not a uuid" in run("user", "link", "ada", "ada@example.com").failure
