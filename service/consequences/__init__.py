"""What follows from an execution's having moved, in the transaction that moved it.

One file for each thing that follows, and one line here. A reaction writes rows, log lines and work; what has to call
somebody is work. None of them moves an execution: that is for whoever does the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from service.consequences.holds import mind_the_hold
from service.consequences.locks import follow_the_lock
from service.consequences.moved import Moved
from service.consequences.releases import seal_the_release
from service.consequences.rollbacks import begin_anew, settle_the_rollback, think_of_a_rollback
from service.consequences.verdicts import tell_the_verdict
from service.consequences.verification import verify
from service.recorder import Record

Reaction = Callable[[Record, Moved], Awaitable[None]]

# In this order. Whatever keeps a lock past its holder's end stands before the one that leaves it.
REACTIONS: tuple[Reaction, ...] = (
    mind_the_hold,
    verify,
    begin_anew,
    settle_the_rollback,
    seal_the_release,
    think_of_a_rollback,
    tell_the_verdict,
    follow_the_lock,
)


async def follow_from(record: Record, moved: Moved) -> None:
    """Lets everything that depends on the execution's state follow it."""
    for react in REACTIONS:
        await react(record, moved)


__all__ = ["Moved", "Reaction", "follow_from"]
