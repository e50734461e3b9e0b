"""Copies everything into one file, beside a running service."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from service import backup
from service.app import key_file
from service.backup import Contents
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.output import show_json
from service.cli.progress import Progress
from service.cli.saying import say
from service.clock import written
from service.recorder import Recorder
from service.settings import Settings
from service.store.audit import CONSOLE
from service.vault import keys_of, read_keys, wrapped

SHORTEST_PASSPHRASE = 12


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    out = commands.add_parser(
        "backup",
        help="copy everything into one file, beside a running service",
        description="The database as it is at one moment, history and all. Secrets are in it as they are in the"
        " database, sealed: keep the keys (secret.keys in the data directory, or PENSTOCK_SECRET_KEYS) elsewhere, or"
        " have them put in, under a passphrase.",
    )
    out.add_argument("file", type=Path, help="made for its owner alone; must not be there yet")
    add_key_options(out, "put the keys in, under a passphrase that is asked for")
    out.set_defaults(run=run_backup)


def add_key_options(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--with-keys", action="store_true", help=meaning)
    parser.add_argument("--passphrase-stdin", action="store_true", help="the first line of standard input is it")
    parser.add_argument("--json", action="store_true")


def run_backup(args: argparse.Namespace) -> int:
    path: Path = args.file
    if path.exists():
        raise CommandFailed(f"{path} is there already; choose another name")
    keys = None
    if args.with_keys:
        with opening.told_in_one_line():
            keys = wrapped(own_keys(opening.settings()), passphrase(args, new=True))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with _made(draft) as file:
            contents = opening.run(lambda recorder: _write(recorder, file, path, keys))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # not a rename: what somebody else has put there meanwhile stays
        size = path.stat().st_size
    except OSError as error:
        raise CommandFailed(f"cannot write {path}: {error.strerror}; choose another place") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    if args.json:
        show_json({**told(contents), "file": str(path), "bytes": size, "keys": keys is not None})
        return 0
    say(f"{path} is written: {contents.rows} rows, {size} bytes, as of {written(contents.head.made_at)}")
    if keys is None:
        say("the keys are not in it: without them the secrets in it do not open")
    return 0


async def _write(recorder: Recorder, file: IO[bytes], path: Path, keys: str | None) -> Contents:
    async with recorder.record() as record:
        record.audit(CONSOLE, "backup.begun", path.name, keys=keys is not None)
    progress = Progress()
    try:
        return await backup.write(recorder.database, file, made_at=recorder.now(), keys=keys, told=progress.told)
    except OSError as error:
        raise CommandFailed(f"cannot write {path}: {error.strerror}; nothing is left of it") from None
    finally:
        progress.end()


def own_keys(settings: Settings) -> list[bytes]:
    return read_keys(settings.secret_keys) if settings.secret_keys else keys_of(key_file(settings))


def passphrase(args: argparse.Namespace, *, new: bool) -> str:
    given = sys.stdin.readline().rstrip("\n") if args.passphrase_stdin else getpass.getpass("Passphrase: ")
    if new and not args.passphrase_stdin and getpass.getpass("Once more: ") != given:
        raise CommandFailed("the two are not the same")
    if new and len(given) < SHORTEST_PASSPHRASE:
        raise CommandFailed(f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters")
    return given


def _made(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def told(contents: Contents) -> dict[str, object]:
    head = contents.head
    about = {"made_at": written(head.made_at), "version": head.version, "schema": head.schema}
    return {**about, "rows": contents.rows, "tables": contents.tables}
