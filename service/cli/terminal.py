"""The control room from a terminal: what runs, start it, read along."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from typing import Any

from service.cli.errors import CommandFailed
from service.cli.output import show_json, show_table
from service.cli.saying import one_line, say
from service.cli.shown_log import ShownLog
from service.cli.speaking import Api, patient, speaking

FINAL = ("SUCCESS", "FAILED")

# Seconds between two looks of `trigger --wait`.
LOOK = 1.0

# Seconds without a word after which all that was recorded has been told.
QUIET = 1.5


# What `logs --help` begins with.
LOGS = """An execution's log, secrets masked. A terminal gets its text and its colours; a pipe or a file the text alone.
Titles, moves of the cursor and other control sequences are left out, and what was to be written over is shown as lines.
Ends with 0 when the log was told, however the execution ended; `trigger --wait` ends by the outcome."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser("status", help="every pipeline and its latest execution")
    status.add_argument("--watch", action="store_true", help="go on, and say what changes")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=run_status)
    trigger = commands.add_parser("trigger", help="start a run of a branch, or of what another environment runs")
    trigger.add_argument("repository", metavar="WORKSPACE/SLUG")
    what = trigger.add_mutually_exclusive_group(required=True)
    what.add_argument("--branch")
    what.add_argument("--promote-from", metavar="E", help="deploy what this environment runs to the other one")
    trigger.add_argument("--environment", "--env", metavar="E", help="where to (default: what deploys the branch)")
    trigger.add_argument("--wait", action="store_true", help="until it has ended; 1 unless it succeeded")
    trigger.add_argument("--json", action="store_true")
    trigger.set_defaults(run=run_trigger)
    logs = commands.add_parser("logs", help="an execution's log", description=LOGS)
    logs.add_argument("execution", type=int, metavar="EXECUTION")
    logs.add_argument("-f", "--follow", action="store_true", help="until it has ended")
    logs.add_argument("--grep", metavar="RE", help="only the lines that match")
    form = logs.add_mutually_exclusive_group()
    form.add_argument("--raw", action="store_true", help="the bytes as they are stored, whatever a terminal does then")
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    logs.set_defaults(run=run_logs)
    events = commands.add_parser("events", help="the event log")
    events.add_argument("-f", "--follow", action="store_true", help="go on with what happens from now on")
    events.add_argument("--json", action="store_true", help="one JSON object a line")
    events.set_defaults(run=run_events)


def run_status(args: argparse.Namespace) -> int:
    with speaking() as api:
        rows = [_row(one) for one in api.every("/api/pipelines")]
        if args.json:
            show_json(rows)
        elif rows:
            show_table(["ID", "REPOSITORY", "TYPE", "STATUS", "LAST EXECUTION"], [[*row.values()] for row in rows])
        else:
            say("no repository is connected yet; the dashboard says how")
        if args.watch:
            for event, told in api.followed("/api/events"):
                _show_event(event, told, as_json=args.json)
    return 0


def run_trigger(args: argparse.Namespace) -> int:
    with speaking() as api:
        pipeline = pipeline_of(api, args.repository)
        wanted = {"branch": args.branch, "promote_from": args.promote_from, "environment": args.environment}
        body = {name: value for name, value in wanted.items() if value is not None}
        execution = api.post(f"/api/pipelines/{pipeline['id']}/trigger", body)
        if args.wait:
            execution = waited(api, execution["id"], quiet=args.json)
    if args.json:
        show_json(execution)
    else:
        say(f"execution {execution['id']} is {execution['status']}{because(execution)}")
    return 1 if args.wait and execution["status"] != "SUCCESS" else 0


def run_logs(args: argparse.Namespace) -> int:
    pattern = _pattern(args.grep)
    with speaking() as api, ShownLog(pattern, raw=args.raw, as_json=args.json) as shown:
        if not args.follow:
            pipeline_id = api.get(f"/api/executions/{args.execution}")["pipeline_id"]
            for line in api.text(f"/api/pipelines/{pipeline_id}/logs", execution_id=args.execution):
                shown.line(None, line)
            return 0
        rest: dict[str, str] = {}
        path = f"/api/executions/{args.execution}/logs/stream"
        for event, told in api.followed(path, last="log_complete"):
            content = json.loads(told)
            if event == "log_update":
                *lines, rest[content["step"]] = (rest.get(content["step"], "") + content["text"]).split("\n")
                for line in lines:
                    shown.line(content["step"], f"{line}\n")
            elif event in ("log_error", "log_pace"):
                say(f"penstock: {one_line(content['message'])}", file=sys.stderr)
        for step, line in rest.items():
            shown.line(step, line)
    return 0


def run_events(args: argparse.Namespace) -> int:
    with speaking() as api:
        found = api.followed("/api/events") if args.follow else api.events("/api/events", silence=QUIET, after=0)
        for event, told in found:
            if event not in ("ready", "reset", "bye"):
                _show_event(event, told, as_json=args.json)
    return 0


def _row(pipeline: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": pipeline["id"],
        "repository": pipeline["repository"]["full_name"],
        "type": pipeline["project_type"],
        "status": pipeline["status"],
        "last_execution": pipeline["last_execution_timestamp"],
    }


def pipeline_of(api: Api, full_name: str) -> dict[str, Any]:
    for pipeline in api.every("/api/pipelines"):
        if pipeline["repository"]["full_name"] == full_name.lower() and pipeline["is_active"]:
            return pipeline
    raise CommandFailed(f"{full_name} has no active pipeline that you may see; `penstock status` shows those there are")


def waited(api: Api, execution_id: int, *, quiet: bool) -> dict[str, Any]:
    """The execution, once it has ended; each of its states is told on the way."""
    shown = ""
    while True:
        execution: dict[str, Any] = patient(lambda: api.get(f"/api/executions/{execution_id}"))
        if execution["status"] in FINAL:
            return execution
        if execution["status"] != shown and not quiet:
            shown = execution["status"]
            say(f"execution {execution_id} is {shown}", file=sys.stderr, flush=True)
        time.sleep(LOOK)


def because(execution: dict[str, Any]) -> str:
    return f": {execution['error_message']}" if execution.get("error_message") else ""


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise CommandFailed(f"--grep {text!r} is no regular expression: {error}") from None


def _show_event(event: str, told: str, *, as_json: bool) -> None:
    content = json.loads(told)
    if as_json:
        say(json.dumps({"event": event, **content}), flush=True)
    elif event == "execution.transitioned":
        where = content.get("environment") or content.get("branch") or ""
        reason = f" ({content['reason']})" if content.get("reason") else ""
        moved = f"{where}: {content['from']} -> {content['to']}{reason}"
        say(one_line(f"{content['at']}  execution {content['execution_id']} {moved}"), flush=True)
    else:
        words = " ".join(f"{name}={value}" for name, value in content.items() if not isinstance(value, list | dict))
        say(one_line(f"{event}  {words}"), flush=True)
