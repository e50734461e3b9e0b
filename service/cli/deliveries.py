"""The webhook inbox from a terminal."""

from __future__ import annotations

import argparse
from typing import Any

from service.bitbucket.deliveries import parse
from service.bus import Topic
from service.cli import opening
from service.cli.errors import CommandFailed
from service.cli.numbers import number
from service.cli.output import show_json, show_table
from service.cli.saying import one_line, say
from service.clock import written
from service.recorder import Recorder
from service.store import deliveries
from service.store.accounts import OPERATOR
from service.store.deliveries import Delivery


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    actions = commands.add_parser("deliveries", help="the webhook inbox").add_subparsers(
        metavar="ACTION", required=True
    )
    listing = actions.add_parser("list", help="the newest first")
    listing.add_argument("--status", choices=["accepted", "processed", "failed", "dead"])
    listing.add_argument("--limit", type=number(1, 100_000), default=50, metavar="N")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=list_deliveries)
    show = actions.add_parser("show", help="one delivery with its verdicts")
    show.add_argument("id")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=show_delivery)
    replay = actions.add_parser("replay", help="process it once more; what is known already moves nothing")
    replay.add_argument("id")
    replay.add_argument("--dry-run", action="store_true", help="only say which events it holds")
    replay.add_argument("--json", action="store_true")
    replay.set_defaults(run=replay_delivery)


def list_deliveries(args: argparse.Namespace) -> int:
    async def ask(recorder: Recorder) -> list[Delivery]:
        async with recorder.database.read() as connection:
            return await deliveries.page(connection, OPERATOR, before=None, limit=args.limit, status=args.status)

    found = opening.run(ask)
    if args.json:
        show_json([_told(delivery) for delivery in found])
    elif found:
        rows = [[d.id, written(d.received_at), d.event_key, d.status, _summary(d)] for d in found]
        show_table(["ID", "RECEIVED", "EVENT", "STATUS", "VERDICTS"], rows)
    else:
        say("nothing was delivered yet; connect a repository and push to it")
    return 0


def show_delivery(args: argparse.Namespace) -> int:
    delivery = opening.run(lambda recorder: _find(recorder, args.id))
    if args.json:
        show_json(_told(delivery))
        return 0
    for name, value in _told(delivery).items():
        if name != "verdicts":
            say(f"{name:14} {'' if value is None else one_line(str(value))}")
    show_table(
        ["REF", "VERDICT", "EXECUTION", "REASON"],
        [[v["ref"], v["verdict"], v["execution_id"], v["reason"]] for v in delivery.verdicts],
    )
    return 0


def replay_delivery(args: argparse.Namespace) -> int:
    async def put_back(recorder: Recorder) -> dict[str, Any]:
        delivery = await _find(recorder, args.id)
        if delivery.body is None:
            raise CommandFailed(f"the body of {args.id} is no longer kept (PENSTOCK_KEEP_BODIES_DAYS)")
        events = [{"event": type(e).__name__, "ref": e.ref} for e in parse(delivery.event_key, delivery.body)]
        if not args.dry_run:
            async with recorder.record() as record:
                await deliveries.replay(record.connection, delivery.id, record.now)
                record.ring(Topic.INBOX)
        return {"delivery_id": delivery.id, "replayed": not args.dry_run, "events": events}

    done = opening.run(put_back)
    if args.json:
        show_json(done)
    else:
        show_table(["EVENT", "REF"], [[event["event"], event["ref"]] for event in done["events"]])
        say("only looked" if args.dry_run else "it is in the inbox again; the running service processes it")
    return 0


async def _find(recorder: Recorder, delivery_id: str) -> Delivery:
    async with recorder.database.read() as connection:
        delivery = await deliveries.seen_by(connection, OPERATOR, delivery_id)
    if delivery is None:
        raise CommandFailed(f"there is no delivery {delivery_id}; `penstock deliveries list` shows the newest")
    return delivery


def _told(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event_key": delivery.event_key,
        "status": delivery.status,
        "repository_id": delivery.repository_id,
        "request_uuid": delivery.request_uuid or None,
        "attempt": delivery.attempt,
        "received_at": written(delivery.received_at),
        "processed_at": written(delivery.processed_at),
        "tries": delivery.tries,
        "flags": delivery.flags,
        "verdicts": delivery.verdicts,
    }


def _summary(delivery: Delivery) -> str:
    words = [verdict["verdict"] for verdict in delivery.verdicts]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
