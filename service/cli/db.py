"""The database: bring it to this version, and look whether it is whole."""

from __future__ import annotations

import argparse

from sqlalchemy import text

from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.saying import say
from service.recorder import Recorder
from service.store import log, migrate


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions = commands.add_parser("db", help="the database").add_subparsers(metavar="ACTION", required=True)
    upgrade = actions.add_parser("upgrade", help="bring it to this version; SQLite does so by itself at every start")
    upgrade.set_defaults(run=run_upgrade)
    check = actions.add_parser("check", help="look whether it answers and is whole")
    check.set_defaults(run=run_check)


def run_upgrade(args: argparse.Namespace) -> int:
    async def ask(recorder: Recorder) -> str | None:
        return await migrate.current(recorder.database)

    say(f"the database is at schema {opening.run(ask)}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    async def look(recorder: Recorder) -> tuple[str | None, list[str], int]:
        async with recorder.database.read() as connection:
            if recorder.database.embedded:
                found = (await connection.execute(text("PRAGMA integrity_check"))).scalars().all()
                faults = [str(line) for line in found if line != "ok"]
            else:
                found = (
                    await connection.execute(text("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"))
                ).all()
                faults = [f"the index {row[0]} is not valid" for row in found]
            _, cursor = await log.bounds(connection)
        return await migrate.current(recorder.database), faults, cursor

    schema, faults, cursor = opening.run(look)
    if faults:
        raise CommandFailed(f"the database is damaged: {faults[0]}; restore a backup")
    say(f"the database is whole: schema {schema}, {cursor} entries logged so far")
    return 0
