"""What a message knows: gathered from the books when it is first to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from service.notifications.words import DIGEST, Event, Told
from service.store import logs, outbox, overview, steps
from service.store.executions import Execution
from service.store.outbox import Message

# The end of a failing step's log that a message shows: bytes that are read, lines that are kept.
LOG_BYTES, LOG_LINES = 4000, 15

FAILED_STEPS = ("FAILED", "ERROR", "STOPPED")


async def told_of(connection: Any, message: Message, public_url: str) -> Told:
    """Everything a message may say. Whether its receiver may know it has been asked before."""
    if message.event == DIGEST:
        gathered = await outbox.by_ids(connection, message.entry["messages"])
        brief = tuple(await _told(connection, gathered, public_url))
        key, lane, at = message.webhook_id, message.lane, message.at
        return Told(key=key, lane=lane, event=DIGEST, at=at, url=f"{public_url}/", gathered=brief)
    [told] = await _told(connection, [message], public_url)
    if message.event != Event.FAILED or message.execution_id is None:
        return told
    failing_step, log = await _last_lines(connection, message.execution_id)
    return replace(told, failing_step=failing_step, log=log)


async def _told(connection: Any, found: Sequence[Message], public_url: str) -> list[Told]:
    known = await overview.executions_named(connection, {one.execution_id for one in found if one.execution_id})
    names = await overview.names_of(connection, {one.repository_id for one in found if one.repository_id})
    return [_one(one, known.get(one.execution_id or 0), names.get(one.repository_id or 0), public_url) for one in found]


def _one(message: Message, known: Execution | None, name: str | None, public_url: str) -> Told:
    entry = message.entry
    number = entry.get("bitbucket_build_number") or (known.bitbucket_build_number if known else None)
    commit = entry.get("bitbucket_commit_hash") or entry.get("commit")
    page = f"/pipelines/{message.pipeline_id}" if message.pipeline_id else "/"
    page = "/drift" if message.event == Event.DRIFTED else page
    return Told(
        key=message.webhook_id,
        lane=message.lane,
        event=message.event,
        at=message.at,
        url=public_url + page,
        repository=name,
        environment=entry.get("environment") or (known.environment if known else None),
        branch=entry.get("branch") or (known.branch if known else None),
        commit=commit or (known.bitbucket_commit_hash if known else None),
        commit_message=entry.get("message") or (known.message if known else None),
        author=entry.get("author") or (known.author if known else None),
        by=entry.get("by"),
        pipeline_id=message.pipeline_id,
        execution_id=message.execution_id,
        build_number=number,
        build_url=f"https://bitbucket.org/{name}/pipelines/results/{number}" if name and number else None,
        trigger_type=entry.get("trigger_type") or (known.trigger_type if known else None),
        attempt=entry.get("attempt"),
        before=entry.get("from"),
        after=entry.get("to"),
        reason=entry.get("reason"),
        duration_seconds=known.duration_seconds if known and entry.get("to") == known.status else None,
        more={word: entry[word] for word in MORE if word in entry},
    )


# What only some entries say, and messages pass on.
MORE = (
    *("name", "revision", "changed_files", "pull_request_url", "diff_summary", "kind", "subject", "change", "detail"),
    *("to_commit", "approve_url"),
)


async def _last_lines(connection: Any, execution_id: int) -> tuple[str | None, str | None]:
    """The failing step and the end of its log, which is stored masked."""
    failed = [one for one in await steps.of_execution(connection, execution_id) if one.result in FAILED_STEPS]
    if not failed:
        return None, None
    step = failed[-1]
    begin = max(0, step.log_bytes - LOG_BYTES)
    raw = b"".join([piece async for piece in logs.text_of(connection, step.id, begin, step.log_bytes)])
    lines = raw.decode(errors="replace").splitlines()[-LOG_LINES:]
    return step.name, "\n".join(lines) or None
