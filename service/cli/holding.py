"""`hold`: which environments are held after a rollback, and the end of a hold."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from service.cli.errors import CommandFailed
from service.cli.output import show_json, show_table
from service.cli.saying import say
from service.cli.speaking import Api, speaking
from service.cli.terminal import pipeline_of

SHORT = 12


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    hold = commands.add_parser("hold", help="environments that a rollback holds", description=__doc__)
    actions = hold.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="what is held, since when and why")
    show.add_argument("repository", nargs="?", metavar="WORKSPACE/SLUG", help="of this one only")
    show.add_argument("--env", metavar="E", help="this environment only")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=run_show)
    release = actions.add_parser("release", help="let the held commit be deployed again")
    release.add_argument("repository", metavar="WORKSPACE/SLUG")
    release.add_argument("--env", metavar="E", help="the environment (default: the one that is held)")
    release.add_argument("--reason", metavar="TEXT", help="why: it stays in the books")
    release.add_argument("--json", action="store_true")
    release.set_defaults(run=run_release)


def run_show(args: argparse.Namespace) -> int:
    with speaking() as api:
        pipelines = [pipeline_of(api, args.repository)] if args.repository else api.every("/api/pipelines")
        rows = [row for one in pipelines for row in _held(api, one) if args.env in (None, row["environment"])]
    if args.json:
        show_json(rows)
    elif rows:
        shown = [
            [
                row["repository"],
                row["environment"],
                row["since"][:19],
                row["by_execution_id"],
                _short(row),
                row["reason"],
            ]
            for row in rows
        ]
        show_table(["REPOSITORY", "ENVIRONMENT", "SINCE", "EXECUTION", "COMMIT", "REASON"], shown)
    else:
        say("nothing is held")
    return 0


def run_release(args: argparse.Namespace) -> int:
    with speaking() as api:
        pipeline = pipeline_of(api, args.repository)
        environment = args.env or _only(args.repository, [row["environment"] for row in _held(api, pipeline)])
        body = {"environment": environment, **({"reason": args.reason} if args.reason else {})}
        released = api.post(f"/api/pipelines/{pipeline['id']}/release-hold", body)
    if args.json:
        show_json(released)
    else:
        say(f"{environment} of {args.repository} is no longer held: {_short(released)} may be deployed again")
    return 0


def _held(api: Api, pipeline: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The holds of a pipeline's environments; it is asked about them only where it says that there is one."""
    if pipeline["hold"] is not None:
        for one in api.every(f"/api/pipelines/{pipeline['id']}/environments"):
            if one["hold"] is not None:
                yield {"repository": pipeline["repository"]["full_name"], "environment": one["name"], **one["hold"]}


def _only(repository: str, names: list[str]) -> str:
    if not names:
        raise CommandFailed(f"nothing of {repository} is held: there is nothing to release")
    if len(names) > 1:
        raise CommandFailed(f"{', '.join(names)} of {repository} are held: say which with --env")
    return names[0]


def _short(hold: dict[str, Any]) -> str:
    return (hold["commit"] or "its commit")[:SHORT]
