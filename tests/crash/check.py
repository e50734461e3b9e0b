"""What must hold after every crash, asked of a copy of the database."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.crash.driver import Letter, Promised

# What the end of a run amounts to.
STATES = {"SUCCESSFUL": "SUCCESS", "FAILED": "FAILED"}


def copied(database: Path) -> sqlite3.Connection:
    """The database as the crash has left it, with what was committed and not yet moved out of the WAL."""
    place = database.parent.parent / "copy"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for part in (database, database.with_name(database.name + "-wal")):
        if part.exists():
            shutil.copy(part, place)
    return sqlite3.connect(place / database.name)


def faults(database: Path, promised: Promised) -> list[str]:
    """What is wrong right after a crash, in words; nothing need be processed yet."""
    with closing(copied(database)) as connection:
        return [
            *_damage(connection),
            *_lost_or_doubled(connection, promised.acknowledged),
            *_log_faults(connection),
            *_repetitions(connection),
        ]


def unfinished(database: Path, promised: Promised) -> list[str]:
    """What is wrong once everything has been delivered and processed: each run is one execution in its end state."""
    with closing(copied(database)) as connection:
        waiting = connection.execute("SELECT count(*) FROM deliveries WHERE status <> 'processed'").fetchone()[0]
        found = connection.execute(
            "SELECT bitbucket_build_number, bitbucket_commit_hash, status, pushed FROM executions ORDER BY 1, id"
        ).fetchall()
    wanted = [(run.number, run.commit, STATES[run.end], 1) for run in promised.runs]
    faulty = [f"execution {got}, expected {want}" for got, want in zip(found, wanted, strict=False) if got != want]
    if len(found) != len(wanted):
        faulty.append(f"{len(found)} executions of {len(wanted)} runs")
    return [*([f"{waiting} deliveries are not processed"] if waiting else []), *faulty]


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"integrity: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign key: {row}"


def _lost_or_doubled(connection: sqlite3.Connection, acknowledged: dict[str, Letter]) -> Iterator[str]:
    rows = {row[0]: row[1:] for row in connection.execute("SELECT id, request_uuid, digest FROM deliveries")}
    for number, letter in acknowledged.items():
        wanted = (letter.headers["X-Request-UUID"], hashlib.sha256(letter.body).digest())
        if number not in rows:
            yield f"lost: delivery {number} was acknowledged"
        elif rows[number] != wanted:
            yield f"delivery {number} is another one than was acknowledged"
    if len(set(rows.values())) != len(rows):
        yield "a delivery is stored twice"


def _log_faults(connection: sqlite3.Connection) -> Iterator[str]:
    # the row numbers are SQLite's own, in order of insertion, and so of commits
    cursors = [row[0] for row in connection.execute("SELECT cursor FROM entries ORDER BY rowid")]
    newest, pruned = connection.execute("SELECT cursor, pruned FROM head").fetchone()
    if cursors != list(range(pruned + 1, newest + 1)):
        yield f"the log has gaps, repetitions or another order than commits: {cursors}, up to {newest}"


# An answer is a fault: what happened once is in the tables twice, or in the log twice, or only in one of them.
REPETITIONS = {
    "an observation is recorded twice": (
        "SELECT execution_id, key FROM observations GROUP BY execution_id, key HAVING count(*) > 1"
    ),
    "an execution entered a state twice": (
        "SELECT execution_id, attempt, \"to\" FROM transitions WHERE outcome = 'applied'"
        ' GROUP BY execution_id, attempt, "to" HAVING count(*) > 1'
    ),
    "two executions of one commit": (
        "SELECT bitbucket_commit_hash FROM executions GROUP BY bitbucket_commit_hash HAVING count(*) > 1"
    ),
    "an execution was not logged once": (
        "SELECT e.id FROM executions e LEFT JOIN entries l ON l.execution_id = e.id AND l.kind = 'execution.created'"
        " GROUP BY e.id HAVING count(l.cursor) <> 1"
    ),
    "transitions were not logged once": (
        "SELECT e.id FROM executions e WHERE"
        " (SELECT count(*) FROM transitions t WHERE t.execution_id = e.id AND t.outcome = 'applied') <>"
        " (SELECT count(*) FROM entries l WHERE l.execution_id = e.id AND l.kind = 'execution.transitioned')"
    ),
    "a delivery was processed and not logged once": (
        "SELECT d.id FROM deliveries d LEFT JOIN entries l"
        " ON l.kind = 'delivery.processed' AND json_extract(l.payload, '$.delivery_id') = d.id"
        " GROUP BY d.id HAVING count(l.cursor) <> (d.status = 'processed')"
    ),
    "an execution has no deadline's work": (
        "SELECT e.id FROM executions e WHERE NOT EXISTS"
        " (SELECT 1 FROM work w WHERE w.kind = 'deadline' AND w.key = CAST(e.id AS TEXT))"
    ),
}


def _repetitions(connection: sqlite3.Connection) -> Iterator[str]:
    for fault, question in REPETITIONS.items():
        for row in connection.execute(question):
            yield f"{fault}: {row}"
