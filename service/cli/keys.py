"""Rotates the keys that secrets are sealed with."""

from __future__ import annotations

import argparse

from service.app import key_file, vault_of
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.saying import say
from service.recorder import Recorder
from service.store import sealed
from service.store.audit import CONSOLE
from service.vault import CannotOpen, Vault, add_key, drop_old_keys


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="what secrets are sealed with").add_subparsers(
        metavar="ACTION", required=True
    )
    rotate = keys.add_parser(
        "rotate",
        help="seal every secret anew",
        description="Makes a new key (or, with PENSTOCK_SECRET_KEYS, takes the first), and seals every secret with it."
        " Beside a running service nothing stops: the old keys still open. Restart every process, then take them away"
        " with --drop-old.",
    )
    rotate.add_argument("--drop-old", action="store_true", help="make no new key; seal the rest, and forget the others")
    rotate.set_defaults(run=rotate_keys)


def rotate_keys(args: argparse.Namespace) -> int:
    settings = opening.settings()
    if settings.secret_keys and args.drop_old:
        raise CommandFailed("the keys are in PENSTOCK_SECRET_KEYS: run this without --drop-old, then remove them there")
    path = key_file(settings)
    with opening.told_in_one_line():
        vault = vault_of(settings)
        if not settings.secret_keys and not args.drop_old:
            add_key(path)
            vault = vault_of(settings)
    count = _sealed_anew(vault)
    say(f"{count} secrets are sealed anew")
    if args.drop_old:
        say(f"{drop_old_keys(path)} old keys are gone")
    elif settings.secret_keys:
        say("the keys after the first in PENSTOCK_SECRET_KEYS are needed no more")
    else:
        say("restart every process, then run `penstock keys rotate --drop-old`")
    return 0


def _sealed_anew(vault: Vault) -> int:
    def again(value: bytes, table: str, column: str, row: str) -> bytes | None:
        place = {"table": table, "column": column, "row": row}
        return None if vault.is_current(value) else vault.seal(vault.open(value, **place), **place)

    async def reseal(recorder: Recorder) -> int:
        async with recorder.record() as record:
            count = await sealed.reseal(record.connection, again)
            record.audit(CONSOLE, "keys.rotated", "secrets", count=count)
            return count

    try:
        return opening.run(reseal)
    except CannotOpen as error:
        raise CommandFailed(f"{error}; no secret was changed") from None
