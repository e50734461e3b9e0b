"""Takes what is configured from one installation to another."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import msgspec

from service import transfer
from service.app import vault_of
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.output import show_json, show_table
from service.cli.saying import say
from service.recorder import Recorder
from service.store.audit import CONSOLE
from service.transfer import Export, Planted


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    out = commands.add_parser(
        "export",
        help="write repositories, members and settings into a file",
        description="For `penstock import` elsewhere. The file holds no secret: no key, no token, no webhook's secret,"
        " no secured variable's value; and no history, which `penstock backup` is for.",
    )
    out.add_argument("file", type=Path, help="made for its owner alone; must not be there yet")
    out.set_defaults(run=write_export)
    into = commands.add_parser(
        "import",
        help="take what another installation exported",
        description="Connects the repositories anew: each gets a webhook of its own, shown this once. What is here"
        " already stays as it is.",
    )
    into.add_argument("file", type=Path)
    into.add_argument("--json", action="store_true")
    into.set_defaults(run=read_export)


def write_export(args: argparse.Namespace) -> int:
    with opening.told_in_one_line():
        vault = vault_of(opening.settings())

    async def gather(recorder: Recorder) -> Export:
        async with recorder.database.read() as connection:
            return await transfer.gathered(connection, vault)

    export = opening.run(gather)
    text = msgspec.json.format(msgspec.json.encode(export), indent=2)
    try:
        with os.fdopen(os.open(args.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text + b"\n")
    except OSError as error:
        raise CommandFailed(f"cannot write {args.file}: {error.strerror}; choose another name") from None
    say(f"{args.file} is written; repositories: {len(export.repositories)}, domains: {len(export.domains)}")
    return 0


def read_export(args: argparse.Namespace) -> int:
    export = _read(args.file)
    settings = opening.settings()
    with opening.told_in_one_line():
        vault = vault_of(settings)

    async def plant(recorder: Recorder) -> Planted:
        async with recorder.record() as record:
            planted = await transfer.plant(record, vault, export)
            record.audit(CONSOLE, "import.done", str(args.file.name), repositories=len(planted.connected))
            return planted

    try:
        planted = opening.run(plant)
    except (TypeError, KeyError, AttributeError) as error:
        why = f"{args.file} holds what cannot be stored ({type(error).__name__}); nothing was changed"
        raise CommandFailed(why) from None
    _show(planted, settings.public_url.rstrip("/") or "http://127.0.0.1:8000", as_json=args.json)
    return 0


def _read(path: Path) -> Export:
    """Raises CommandFailed."""
    try:
        export = msgspec.json.decode(path.read_bytes(), type=Export)
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise CommandFailed(f"{path} is not what `penstock export` writes: {error}") from None
    if export.penstock_export != transfer.VERSION:
        raise CommandFailed(f"{path} was written by another version of Penstock; use that version to import it")
    return export


def _show(planted: Planted, url: str, *, as_json: bool) -> None:
    rows = [(name, f"{url}/webhooks/bitbucket/{hook}", secret) for name, hook, secret in planted.connected]
    if as_json:
        webhooks = [{"repository": name, "url": url, "secret": secret} for name, url, secret in rows]
        show_json({"connected": webhooks, "skipped": planted.skipped, "set_again": planted.unset})
        return
    show_table(["REPOSITORY", "WEBHOOK", "SECRET (SHOWN THIS ONCE)"], rows)
    for line in planted.skipped:
        say(f"left out: {line}")
    for line in planted.unset:
        say(f"set again, its value is not in the file: {line}")
