"""`rollback`: back to a release that works, from a terminal."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from service.cli.errors import CommandFailed
from service.cli.output import GREEN, RED, YELLOW, coloured, show_json, show_table
from service.cli.saying import one_line, say
from service.cli.speaking import Api, speaking
from service.cli.terminal import because, pipeline_of, waited

SHORT = 12

# How many of the undone commits are shown.
MOST = 10


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("rollback", help="go back to a release that works", description=__doc__)
    parser.add_argument("repository", metavar="WORKSPACE/SLUG")
    parser.add_argument("--env", required=True, metavar="E", help="the environment")
    parser.add_argument(
        "--to", type=int, metavar="N", help="an execution; without it the newest that can be gone back to"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why: it stays in the books")
    parser.add_argument(
        "--variables",
        choices=("then", "now"),
        help="all as they were then, or as they are now (default: then, but secrets now)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, and do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--wait", action="store_true", help="until it has ended; 1 unless it succeeded")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run, refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    if args.reason is None and not args.dry_run:
        args.refuse("a rollback needs a reason: --reason TEXT")
    with speaking() as api:
        path = f"/api/pipelines/{pipeline_of(api, args.repository)['id']}/rollback"
        body = {
            "environment": args.env,
            "reason": args.reason,
            "to_execution_id": args.to,
            "environment_variables": args.variables,
        }
        body = {name: value for name, value in body.items() if value is not None}
        asks = sys.stdin.isatty() and not (args.yes or args.json)
        if args.dry_run or asks:
            plan = api.post(path, {**body, "dry_run": True})
            show_json(plan) if args.json else _show(plan)
            if args.dry_run:
                return 0
            if plan["target_execution_id"] is None:
                return 1
            if not _agreed():
                raise CommandFailed("nothing was done")
            body["to_execution_id"] = plan["target_execution_id"]  # what was agreed to, whatever has happened meanwhile
        return _roll_back(api, path, body, wait=args.wait, as_json=args.json)


def _roll_back(api: Api, path: str, body: dict[str, Any], *, wait: bool, as_json: bool) -> int:
    execution = api.post(path, body)
    if wait:
        execution = waited(api, execution["id"], quiet=as_json)
    if as_json:
        show_json(execution)
    else:
        target = execution["previous_execution_id"]
        say(f"execution {execution['id']}, back to {target}, is {execution['status']}{because(execution)}")
    return 1 if wait and execution["status"] != "SUCCESS" else 0


def _agreed() -> bool:
    try:
        return input("Go back to it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _show(plan: dict[str, Any]) -> None:
    rows = [_row(one, plan) for one in plan["candidates"]]
    if rows:
        show_table(["EXECUTION", "BUILD", "COMMIT", "COMPLETED", "", "BECAUSE"], rows)
    if plan["target_execution_id"] is None:
        say(coloured(f"{plan['environment']} cannot be rolled back: {plan['because']}", RED))
        return
    way = {"relink": "the server has kept it", "rebuild": "it is built again"}[plan["method"]]
    goal = coloured(f"execution {plan['target_execution_id']}", GREEN)
    say(f"\n{plan['environment']} goes from execution {plan['current_execution_id']} back to {goal}: {way}")
    for commit in plan["commits"][:MOST]:
        say(f"  undone   {commit['hash'][:SHORT]}  {one_line(commit['message'])}")
    if len(plan["commits"]) > MOST:
        say(f"  undone   and {len(plan['commits']) - MOST} more")
    for change in plan["variables"]:
        say(f"  variable {change['key']} was {change['change']} since then")
    for warning in plan["warnings"]:
        say(f"  {coloured('mind', YELLOW)}     {warning}")
    if plan["config_diff"]:
        say(f"\n{plan['config_diff']}", end="")


def _row(one: dict[str, Any], plan: dict[str, Any]) -> list[object]:
    mark = "<- this one" if one["execution_id"] == plan["target_execution_id"] else ""
    commit = (one["commit"] or "")[:SHORT]
    build = f"#{one['build_number']}" if one["build_number"] else ""
    return [one["execution_id"], build, commit, one["completed_at"][:19], mark, one["because"]]
