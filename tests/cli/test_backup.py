"""Backups: whole, beside a service that goes on writing, and restored into either kind of database."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from service.cli.progress import Progress
from service.store import copying, migrate
from service.store.database import Database
from service.store.tables import metadata
from tests.cli.conftest import Ended, Run
from tests.conftest import emptied
from tests.living import Living, living, push

pytestmark = [pytest.mark.anyio, pytest.mark.long]

SECRET = "a-variable-that-stays-secret"


@pytest.fixture
def beside(penstock_on_each: Living, run: Run) -> Run:
    """Runs commands on the database, and with the keys, of the running service."""
    house = penstock_on_each.house

    def beside(*words: str, stdin: str = "", **more: str) -> Ended:
        environ = {
            "PENSTOCK_DATABASE_URL": house.settings.database,
            "PENSTOCK_DATA_DIR": str(house.settings.data_dir),
        }
        return run(*words, stdin=stdin, **{**environ, **more})

    return beside


@pytest.fixture
def other(penstock_on_each: Living, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of the other kind."""
    if not penstock_on_each.house.database.embedded:
        return f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    with ThreadPoolExecutor() as aside:  # here the service's own loop would have to run on
        aside.submit(asyncio.run, emptied(url)).result()
    return url


async def filled(penstock: Living) -> int:
    """A pipeline with a secret, an environment, some runs; its number."""
    wanted = {
        "repository_id": penstock.hook.id,
        "project_type": "react",
        "environment_variables": [{"key": "TOKEN", "value": SECRET, "secured": True}],
    }
    made = await penstock.client.post("/api/pipelines/generate", json=wanted)
    assert made.status_code == 201, made.text
    for place in range(5):
        await penstock.deliver("repo:push", push("main", f"{place:040x}", message="Grüße\x00 \N{SNOWMAN}"))
    await penstock.settled()
    return int(made.json()["id"])


async def keep_writing(penstock: Living, stop: asyncio.Event) -> int:
    count = 0
    while not stop.is_set():
        count += 1
        answer = await penstock.deliver("repo:push", push("main", f"{count:08x}" * 5))
        assert answer.status_code == 202
    return count


async def test_a_backup_beside_a_writing_service_is_one_moment_and_moves_to_the_other_kind_of_database(
    penstock_on_each: Living, beside: Run, other: str, tmp_path: Path
) -> None:
    penstock = penstock_on_each
    pipeline = await filled(penstock)
    before = {one["id"] for one in (await penstock.get(f"/api/pipelines/{pipeline}/executions"))["items"]}
    shown = await penstock.get(f"/api/pipelines/{pipeline}")
    file, stop = tmp_path / "all.backup", asyncio.Event()

    writing = asyncio.create_task(keep_writing(penstock, stop))
    made = await asyncio.to_thread(beside, "backup", str(file), "--json")
    stop.set()
    assert await writing > 3, "nothing was written meanwhile"
    put = await asyncio.to_thread(beside, "restore", str(file), "--json", PENSTOCK_DATABASE_URL=other)

    assert made.status == put.status == 0, made.err + put.err
    assert put.json["tables"] == made.json["tables"]
    assert put.json["audit"]["valid"]
    assert put.json["secrets"]["lost"] == 0
    assert put.json["secrets"]["open"] == 2  # the hook's, and the variable
    database = Database(other)
    async with database.read() as connection:
        cursor, entries, orphans = [
            (await connection.execute(text(question))).scalar()
            for question in (
                "SELECT cursor FROM head",
                "SELECT max(cursor) FROM entries",
                "SELECT count(*) FROM transitions WHERE execution_id NOT IN (SELECT id FROM executions)",
            )
        ]
    await database.close()
    assert cursor == entries
    assert orphans == 0

    environ = {"PENSTOCK_DATA_DIR": str(penstock.house.settings.data_dir), "PENSTOCK_DATABASE_URL": other}
    async with living(environ) as again:
        assert (await again.client.get("/", headers={"Authorization": f"Bearer {penstock.token}"})).status_code == 200
        found = {one["id"] for one in (await again.get(f"/api/pipelines/{pipeline}/executions"))["items"]}
        assert before <= found or len(found) == 50
        kept = ("environment_variables", "bitbucket_pipelines_yml", "repository", "created_at")
        now = await again.get(f"/api/pipelines/{pipeline}")
        assert {name: now[name] for name in kept} == {name: shown[name] for name in kept}
        assert (await again.get("/api/audit/verify"))["valid"]
        assert (await again.connect("acme/new")).id > penstock.hook.id  # numbered on from where it was


async def test_a_database_in_which_something_is_is_left_alone_unless_forced(
    penstock_on_each: Living, beside: Run, other: str, tmp_path: Path
) -> None:
    await filled(penstock_on_each)
    file = str(tmp_path / "all.backup")
    assert (await asyncio.to_thread(beside, "backup", file)).status == 0
    restore = ("restore", file)

    assert (await asyncio.to_thread(beside, *restore, PENSTOCK_DATABASE_URL=other)).status == 0
    refused = await asyncio.to_thread(beside, *restore, PENSTOCK_DATABASE_URL=other)
    forced = await asyncio.to_thread(beside, *restore, "--force", "--json", PENSTOCK_DATABASE_URL=other)

    assert "the database is not empty" in refused.failure
    assert "--force" in refused.failure
    assert forced.json["audit"]["valid"]
    assert (await asyncio.to_thread(beside, "db", "check", PENSTOCK_DATABASE_URL=other)).status == 0


async def test_nothing_is_restored_under_a_running_service(
    penstock_on_each: Living, beside: Run, tmp_path: Path
) -> None:
    file = str(tmp_path / "all.backup")
    await asyncio.to_thread(beside, "backup", file)

    told = (await asyncio.to_thread(beside, "restore", file, "--force")).failure

    assert "Penstock is running on" in told
    assert "stop" in told
    await penstock_on_each.assert_alive()


def key_of(data: Path) -> str:
    return (data / "secret.keys").read_text().split()[0]


def test_the_file_is_its_owners_alone_and_holds_neither_a_key_nor_a_secret(run: Run, tmp_path: Path) -> None:
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery\n")
    run("keys", "rotate")
    bare, wrapped = tmp_path / "bare.backup", tmp_path / "wrapped.backup"

    run("backup", str(bare))
    run("backup", str(wrapped), "--with-keys", "--passphrase-stdin", stdin="a long enough passphrase\n")

    for file in (bare, wrapped):
        raw = gzip.decompress(file.read_bytes())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert key_of(tmp_path / "data").encode() not in raw
        assert b"correct horse" not in raw
    assert json.loads(gzip.decompress(bare.read_bytes()).splitlines()[0])["keys"] is None
    assert "is there already" in run("backup", str(bare)).failure
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_keys_come_out_by_the_passphrase_and_without_them_secrets_are_told_to_be_lost(
    run: Run, tmp_path: Path
) -> None:
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery\n")
    planted = planted_hook(run, tmp_path)
    file = str(tmp_path / "all.backup")
    run("backup", file, "--with-keys", "--passphrase-stdin", stdin="a long enough passphrase\n")
    keys = ("--with-keys", "--passphrase-stdin")

    elsewhere = {"PENSTOCK_DATA_DIR": str(tmp_path / "elsewhere")}
    wrong = run("restore", file, *keys, stdin="another passphrase!\n", **elsewhere)
    without = run("restore", file, "--json", **elsewhere)
    with_keys = run("restore", file, "--force", "--json", *keys, stdin="a long enough passphrase\n", **elsewhere)

    assert "the passphrase is wrong" in wrong.failure
    assert without.json["secrets"] == {"open": 0, "lost": planted}
    assert with_keys.json["secrets"] == {"open": planted, "lost": 0}
    assert key_of(tmp_path / "data") == key_of(tmp_path / "elsewhere")


def planted_hook(run: Run, tmp_path: Path) -> int:
    """Connects a repository by importing it, which seals its hook's secret. How many secrets there are now."""
    moved: dict[str, Any] = {
        "workspace": "acme",
        "slug": "shop",
        "uuid": None,
        "main_branch": None,
        "members": {},
        "settings": {},
        "environments": [],
        "environment_variables": [],
    }
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"penstock_export": 1, "repositories": [moved], "domains": []}))
    done = run("import", str(export))
    assert done.status == 0, done.err
    return 1


def broken(raw: bytes) -> dict[str, tuple[bytes, str]]:
    lines = gzip.decompress(raw).splitlines(keepends=True)
    newer = lines[0].replace(f'"schema":"{migrate.NEWEST}"'.encode(), b'"schema":"9999"')
    return {
        "no gzip": (b"PK\x03\x04", "damaged"),
        "empty": (b"", "penstock backup"),
        "cut off": (raw[: len(raw) // 2], "cut off"),
        "another file": (gzip.compress(b'{"some": "json"}\n'), "penstock backup"),
        "newer": (gzip.compress(b"".join([newer, *lines[1:]])), "newer version"),
        "without its end": (gzip.compress(b"".join(lines[:-1])), "last line is missing"),
        "a row less": (gzip.compress(b"".join(lines[:-3] + lines[-2:])), "digest"),
        "altered": (gzip.compress(b"".join(lines).replace(b'"ada"', b'"eve"')), "digest"),
    }


BROKEN = list(broken(gzip.compress(b"{}\n" * 5)))


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_whole_is_refused_and_nothing_changed(run: Run, tmp_path: Path, how: str) -> None:
    run("user", "add", "ada", "--password-stdin", stdin="correct horse battery\n")
    file = tmp_path / "all.backup"
    run("backup", str(file))
    raw, why = broken(file.read_bytes())[how]
    file.write_bytes(raw)

    told = [run("restore", str(file), *more).failure for more in (["--force"], ["--check"])]

    assert all("cannot be restored" in one and why in one for one in told), told
    assert run("user", "list", "--json").json[0]["name"] == "ada"


async def test_a_backup_of_an_older_version_is_brought_to_this_one(run: Run, tmp_path: Path) -> None:
    lines: list[Any] = [
        {"penstock_backup": 1, "version": "0.0.1", "schema": "0001", "made_at": "2026-03-01T09:30:00Z", "keys": None},
        {"table": "users", "columns": [["id", "int"], ["name", "text"], ["is_admin", "bool"], ["created_at", "time"]]},
        [7, "ada", True, "2026-03-01T09:30:00Z"],
    ]
    raw = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    end = {"rows": 1, "sha256": hashlib.sha256(raw).hexdigest()}
    file = tmp_path / "old.backup"
    file.write_bytes(gzip.compress(raw + json.dumps(end).encode() + b"\n"))

    assert (await asyncio.to_thread(run, "restore", str(file))).status == 0

    assert (await asyncio.to_thread(run, "user", "list", "--json")).json[0]["name"] == "ada"
    assert migrate.NEWEST in (await asyncio.to_thread(run, "db", "check")).out


def test_every_column_has_a_kind_and_no_table_refers_to_one_behind_it() -> None:
    seen: set[str] = set()
    for layout in copying.layouts():
        table = metadata.tables[layout.table]
        assert {kind for _, kind in layout.columns} <= set(copying.KINDS)
        assert {key.column.table.name for key in table.foreign_keys} <= seen | {layout.table}
        seen.add(layout.table)


def test_progress_is_shown_once_it_has_taken_a_second(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    progress = Progress()
    shown = []
    for now in (100.5, 101.1, 101.5, 103.2):
        progress.told("executions", int(now))
        shown.append(capsys.readouterr().err)

    assert shown == ["", "101 rows so far: executions\n", "", "103 rows so far: executions\n"]
