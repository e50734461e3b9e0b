"""Approvals: an execution that Penstock is to start waits until somebody says yes, or no.

Bitbucket has no call that starts a step which waits there by hand: such a wait is shown, and decided at Bitbucket.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from service.bitbucket.runs import BY_HAND
from service.events import Source, Trigger
from service.history import Patience, observe
from service.launching import go_on
from service.machine import Observation
from service.recorder import Record
from service.store import approvals, environments
from service.store.audit import Actor
from service.store.executions import Execution
from service.vault import CannotOpen, Vault

Decision = Literal["approve", "refuse"]


class NotWaiting(Exception):
    """Nobody has to decide about the execution, or somebody has decided already."""

    def __init__(self, execution: Execution) -> None:
        by_hand = (execution.waiting_on or "").startswith(BY_HAND)
        where = "; it waits at Bitbucket, which lets a step be started on its own page alone" if by_hand else ""
        super().__init__(f"execution {execution.id} is {execution.status} and waits for no approval here{where}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What somebody said, and how he is named in the books."""

    decision: Decision
    actor: Actor
    comment: str | None = None


async def decide(record: Record, execution: Execution, said: Decided, patience: Patience) -> Execution:
    """The execution as it goes on. The repository must be locked.

    Raises NotWaiting; and, of an approval, Held and Busy, after which the record must be undone: it waits on.
    """
    if execution.waits_for != "approval":
        raise NotWaiting(execution)
    await approvals.add(
        record.connection,
        execution.id,
        decision=said.decision,
        user_id=said.actor.user_id,
        by=said.actor.name,
        comment=said.comment,
        now=record.now,
    )
    done = "execution.approved" if said.decision == "approve" else "execution.refused"
    told = {"environment": execution.environment, "comment": said.comment}
    record.audit(said.actor, done, f"execution {execution.id}", **told)
    _tell(record, done, execution, said)
    if said.decision == "refuse":
        return await _refuse(record, execution, said, patience)
    environment = None
    if execution.environment is not None:
        environment = await environments.named(record.connection, execution.pipeline_id, execution.environment)
    return await go_on(record, environment, execution, patience)


def token_for(vault: Vault, execution_id: int, expires_at: datetime) -> str:
    """What lets whoever has it decide about one execution, once: for a notification's link, never for the log.

    The link is `<public url>/approvals/<execution id>?token=<this>`.
    """
    sealed = vault.seal(msgspec.json.encode(expires_at), **_place(execution_id))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def is_valid(vault: Vault, execution_id: int, token: str, now: datetime) -> bool:
    """Whether it was made here, for this execution, and has not expired. That it is used once is `decide`'s matter."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        expires_at = msgspec.json.decode(vault.open(sealed, **_place(execution_id)), type=datetime)
    except (CannotOpen, binascii.Error, ValueError, msgspec.DecodeError):
        return False
    return now < expires_at


async def _refuse(record: Record, execution: Execution, said: Decided, patience: Patience) -> Execution:
    reason = f"refused by {said.actor.name}" + (f": {said.comment}" if said.comment else "")
    seen = Observation(trigger=Trigger.STOP, source=Source.PERSON, at=record.now, confirmed=True, reason=reason)
    return (await observe(record, execution, seen, patience))[1]


def _tell(record: Record, kind: str, execution: Execution, said: Decided) -> None:
    payload = {
        "pipeline_id": execution.pipeline_id,
        "execution_id": execution.id,
        "environment": execution.environment,
        "branch": execution.branch,
        "by": said.actor.name,
        "comment": said.comment,
    }
    record.log(
        kind,
        payload,
        repository_id=execution.repository_id,
        pipeline_id=execution.pipeline_id,
        execution_id=execution.id,
    )


def _place(execution_id: int) -> dict[str, str]:
    return {"table": "approvals", "column": "link", "row": str(execution_id)}
