"""What a call answers when an environment is held or busy: by whom, since when, and what can be done."""

from __future__ import annotations

from typing import Any

from service.clock import written
from service.launching import Busy, Held
from service.store import executions
from service.store.holds import Hold
from service.web.problems import Problem


async def gate_problem(connection: Any, pipeline_id: int, error: Held | Busy) -> Problem:
    """A 409 with `holder`, `since` and `options`."""
    return _held(pipeline_id, error) if isinstance(error, Held) else await _busy(connection, error)


def hold_shape(hold: Hold | None) -> dict[str, Any] | None:
    """As an environment shows it."""
    return None if hold is None else _facts(hold)


def pipeline_hold_shape(hold: Hold | None) -> dict[str, Any] | None:
    """As a pipeline shows the newest of its environments' holds."""
    return None if hold is None else {"environment": hold.environment, **_facts(hold)}


def _facts(hold: Hold) -> dict[str, Any]:
    return {
        "since": written(hold.since),
        "by_execution_id": hold.execution_id,
        "commit": hold.commit,
        "reason": hold.reason,
    }


def _held(pipeline_id: int, error: Held) -> Problem:
    hold = error.hold
    options = [
        f"release it: POST /api/pipelines/{pipeline_id}/release-hold, or `penstock hold release WORKSPACE/SLUG`",
        "push a newer commit to the environment's branch: it ends the hold",
    ]
    holder = {"execution_id": hold.execution_id, "commit": hold.commit, "reason": hold.reason}
    return Problem(
        409,
        f"{error}; release the hold first",
        environment=error.environment,
        holder=holder,
        since=written(hold.since),
        hold=hold_shape(hold),
        options=options,
    )


async def _busy(connection: Any, error: Busy) -> Problem:
    number = error.holder.execution_id
    execution = await executions.by_id(connection, number)
    assert execution is not None
    options = [
        f"wait until execution {number} has ended, and ask again",
        f"stop it: POST /api/executions/{number}/stop",
        f"set `when_busy` of {error.environment} to `queue` or `supersede`",
    ]
    holder = {
        "execution_id": number,
        "status": execution.status,
        "trigger_type": execution.trigger_type,
        "branch": execution.branch,
        "commit": execution.bitbucket_commit_hash,
        "author": execution.author,
    }
    return Problem(
        409,
        str(error),
        environment=error.environment,
        holder=holder,
        since=written(error.holder.since),
        deadline_at=written(error.holder.deadline_at),
        options=options,
    )
