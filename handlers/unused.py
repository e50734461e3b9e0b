"""What nothing here acts on, and what could not be read: kept, and told why."""

from __future__ import annotations

from handlers.desk import Desk, Handlers, Verdict, Word
from service.events import Unreadable, Unused

router = Handlers()


@router.on(Unused)
async def ignore(event: Unused, desk: Desk) -> Verdict:
    return Verdict(Word.IGNORED, event.reason, event.ref)


@router.on(Unreadable)
async def give_up(event: Unreadable, desk: Desk) -> Verdict:
    return Verdict(Word.FAILED, event.reason, event.ref)
