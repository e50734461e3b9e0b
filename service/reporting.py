"""What a message knows: gathered from the books when it is first to be sent."""

from __future__ import annotations

from typing import Any

from service.notifications.words import DIGEST, Event, Told
from service.store import executions, logs, outbox, overview, steps
from service.store.outbox import Message

# The end of a failing step's log that a message shows: bytes that are read, lines that are kept.
LOG_BYTES, LOG_LINES = 4000, 15

FAILED_STEPS = ("FAILED", "ERROR", "STOPPED")


async def told_of(connection: Any, message: Message, public_url: str) -> Told:
    """Everything a message may say. Whether its receiver may know it has been asked before."""
    if message.event == DIGEST:
        return await _digest(connection, message, public_url)
    entry = message.entry
    known = await executions.by_id(connection, message.execution_id) if message.execution_id else None
    names = await overview.names_of(connection, [message.repository_id] if message.repository_id else [])
    name = names.get(message.repository_id) if message.repository_id else None
    number = entry.get("bitbucket_build_number") or (known.bitbucket_build_number if known else None)
    failing_step, log = None, None
    if message.event == Event.FAILED and message.execution_id:
        failing_step, log = await _last_lines(connection, message.execution_id)
    commit = entry.get("bitbucket_commit_hash") or entry.get("commit")
    page = f"/pipelines/{message.pipeline_id}" if message.pipeline_id else "/"
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
        failing_step=failing_step,
        log=log,
        more={word: entry[word] for word in MORE if word in entry},
    )


# What only some entries say, and messages pass on.
MORE = ("name", "revision", "changed_files", "pull_request_url", "diff_summary", "kind", "subject", "change", "detail")


async def _digest(connection: Any, message: Message, public_url: str) -> Told:
    gathered = await outbox.by_ids(connection, message.entry["messages"])
    return Told(
        key=message.webhook_id,
        lane=message.lane,
        event=DIGEST,
        at=message.at,
        url=f"{public_url}/",
        gathered=tuple([await told_of(connection, one, public_url) for one in gathered]),
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
