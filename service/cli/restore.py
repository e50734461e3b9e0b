"""Puts a backup back, into either kind of database."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import IO

from service import backup
from service.app import key_file, vault_of
from service.backup import BadBackup, Contents, InUse, NotEmpty
from service.cli import opening
from service.cli.backup import add_key_options, own_keys, passphrase, told
from service.cli.errors import CommandFailed
from service.cli.output import show_json
from service.cli.progress import Progress
from service.cli.saying import say
from service.clock import written
from service.recorder import Recorder
from service.settings import Settings
from service.store import audit, sealed
from service.store.audit import CONSOLE, Verdict
from service.store.database import Database
from service.vault import CannotOpen, Vault, WrongPassphrase, add_known_keys, unwrapped


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    into = commands.add_parser(
        "restore",
        help="put a backup in the place of what is in the database",
        description="All of it or nothing, into SQLite or PostgreSQL, wherever it comes from. No process may be running"
        " on the database.",
    )
    into.add_argument("file", type=Path)
    into.add_argument("--force", action="store_true", help="replace what is in the database")
    into.add_argument("--check", action="store_true", help="only look whether the file is whole")
    add_key_options(into, "take the keys out of it too; the passphrase is asked for")
    into.set_defaults(run=run_restore)


def run_restore(args: argparse.Namespace) -> int:
    try:
        with open(args.file, "rb") as file:
            return _check(args, file) if args.check else _restore(args, file)
    except OSError as error:
        raise CommandFailed(f"cannot read {args.file}: {error.strerror}") from None
    except BadBackup as error:
        raise CommandFailed(f"{args.file} cannot be restored: {error}") from None


def _check(args: argparse.Namespace, file: IO[bytes]) -> int:
    contents = backup.read(file)
    if args.json:
        show_json({**told(contents), "file": str(args.file), "keys": contents.head.keys is not None})
    else:
        say(f"{args.file} is whole: {contents.rows} rows, schema {contents.head.schema}")
    return 0


def _restore(args: argparse.Namespace, file: IO[bytes]) -> int:
    settings = opening.settings()
    keys = _keys_in(args, settings, backup.read(file)) if args.with_keys else []
    file.seek(0)
    _refuse_if_open(settings)
    with opening.told_in_one_line():
        try:
            contents = asyncio.run(_put_back(settings, file, force=args.force))
        except (NotEmpty, InUse) as error:
            raise CommandFailed(f"{error}; nothing was changed") from None
        if keys:
            add_known_keys(key_file(settings), keys)
        vault = vault_of(settings)
    verdict, opened, lost = opening.run(lambda recorder: _looked_over(recorder, vault, args.file.name, contents))
    if args.json:
        chain = {"valid": verdict.broken_at is None, "lines": verdict.lines, "broken_at": verdict.broken_at}
        show_json({**told(contents), "file": str(args.file), "audit": chain, "secrets": {"open": opened, "lost": lost}})
    else:
        say(f"{contents.rows} rows are restored, as of {written(contents.head.made_at)}; {opened} secrets open")
        if verdict.broken_at is not None:
            say(f"the audit log was altered before the backup was made, at line {verdict.broken_at}")
        if lost:
            say(f"{lost} secrets do not open: put the keys back that they were sealed with ({_where(settings)})")
    return 0


async def _put_back(settings: Settings, file: IO[bytes], *, force: bool) -> Contents:
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    progress = Progress()
    try:
        return await backup.restore(database, file, force=force, told=progress.told)
    finally:
        progress.end()
        await database.close()


async def _looked_over(recorder: Recorder, vault: Vault, name: str, contents: Contents) -> tuple[Verdict, int, int]:
    """The audit log's chain, how many secrets open, and how many do not."""
    opened, lost = 0, 0

    def look(value: bytes, table: str, column: str, row: str) -> None:
        nonlocal opened, lost
        try:
            vault.open(value, table=table, column=column, row=row)
            opened += 1
        except CannotOpen:
            lost += 1

    async with recorder.database.read() as connection:
        verdict = await audit.verify(connection)
        await sealed.look(connection, look)
    async with recorder.record() as record:
        made_at = written(contents.head.made_at)
        record.audit(CONSOLE, "backup.restored", name, made_at=made_at, rows=contents.rows, secrets_lost=lost)
        record.rights_changed()
    return verdict, opened, lost


def _refuse_if_open(settings: Settings) -> None:
    """A file that another process has open in WAL mode cannot be taken out of it: SQLite itself asks everybody."""
    database = Database(settings.database)
    if not database.embedded or not Path(database.path).exists():
        return
    with opening.told_in_one_line(), closing(sqlite3.connect(database.path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise CommandFailed(f"Penstock is running on {database.path}: stop it first; nothing was changed") from None


def _keys_in(args: argparse.Namespace, settings: Settings, contents: Contents) -> list[bytes]:
    if contents.head.keys is None:
        raise CommandFailed(f"{args.file} holds no keys: restore it without --with-keys")
    try:
        keys = unwrapped(contents.head.keys, passphrase(args, new=False))
    except WrongPassphrase as error:
        raise CommandFailed(f"{error}; nothing was changed") from None
    if settings.secret_keys and not set(keys) <= set(own_keys(settings)):
        raise CommandFailed("PENSTOCK_SECRET_KEYS is set, and lacks keys of the backup: unset it, or add them there")
    return [] if settings.secret_keys else keys


def _where(settings: Settings) -> str:
    return "PENSTOCK_SECRET_KEYS" if settings.secret_keys else str(key_file(settings))
