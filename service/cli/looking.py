"""`why` and `doctor`: what happened to a push, and whether all is well."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from service import doctor, why
from service.app import vault_of
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.output import GREEN, RED, coloured, show_json
from service.cli.saying import say
from service.client import Clients
from service.recorder import Recorder


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    reason = commands.add_parser("why", help="in words: why the last push did, or did not, deploy")
    reason.add_argument("repository", metavar="WORKSPACE/SLUG")
    reason.add_argument("ref", nargs="?", metavar="REF", help="a branch (default: the last push that anything deploys)")
    reason.add_argument("--json", action="store_true")
    reason.set_defaults(run=run_why)
    health = commands.add_parser(
        "doctor", help="look at everything that must be right; 1 when something needs a person"
    )
    health.add_argument("--json", action="store_true")
    health.set_defaults(run=run_doctor)


def run_why(args: argparse.Namespace) -> int:
    workspace, slash, slug = args.repository.partition("/")
    if not slash or not workspace or not slug:
        raise CommandFailed(f"{args.repository!r} is not WORKSPACE/SLUG")

    async def ask(recorder: Recorder) -> list[str]:
        return await why.told(recorder.database, workspace, slug, args.ref)

    lines = opening.run(ask)
    if args.json:
        show_json({"repository": args.repository, "ref": args.ref, "because": lines})
    else:
        say("\n".join(lines))
    return 0


def run_doctor(args: argparse.Namespace) -> int:
    settings = opening.settings()

    async def look(recorder: Recorder) -> list[doctor.Finding]:
        clients = Clients(
            recorder.database,
            vault_of(settings),
            base_url=settings.bitbucket_api_url,
            per_hour=settings.rate_budget_per_hour,
        )
        found = []
        try:
            async for finding in doctor.examine(recorder, clients, settings):
                found.append(finding)
                if not args.json:
                    _show(finding)
        finally:
            await clients.close()
        return found

    found = opening.run(look)
    if args.json:
        show_json([asdict(finding) for finding in found])
    return 1 if any(finding.well is False for finding in found) else 0


def _show(finding: doctor.Finding) -> None:
    mark = {True: coloured("ok  ", GREEN), False: coloured("MEND", RED), None: "note"}[finding.well]
    say(f"{mark}  {finding.about}: {finding.said}", flush=True)
