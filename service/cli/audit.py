"""Checks the audit log's chain."""

from __future__ import annotations

import argparse

from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.output import show_json
from service.cli.saying import say
from service.recorder import Recorder
from service.store import audit
from service.store.audit import Verdict


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("audit", help="who did what").add_subparsers(metavar="ACTION", required=True)
    verify = group.add_parser(
        "verify",
        help="compute the chain anew",
        description="Every line's hash covers the line before it. Lines cut off at the end leave no trace: keep the"
        " last hash elsewhere, and look for it in `GET /api/audit` the next time.",
    )
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=verify_chain)


def verify_chain(args: argparse.Namespace) -> int:
    async def ask(recorder: Recorder) -> Verdict:
        async with recorder.database.read() as connection:
            return await audit.verify(connection)

    found = opening.run(ask)
    if found.broken_at is not None:
        raise CommandFailed(
            f"line {found.broken_at} does not follow from the one before it: the audit log was altered there;"
            f" the {found.lines} lines before are as they were written"
        )
    if args.json:
        show_json({"valid": True, "lines": found.lines, "last_hash": found.last_hash})
    else:
        say(f"{found.lines} lines, each follows from the one before; the last hash is {found.last_hash}")
    return 0
