"""What a person asked Bitbucket to run, or to stop, written down before anybody calls."""

from __future__ import annotations

import msgspec

from service.events import Source, Trigger
from service.history import Patience, observe
from service.machine import Observation
from service.recorder import Record
from service.store.executions import Execution
from service.vault import Vault

# A variable by which a run of ours tells whose it is.
CORRELATION = "PENSTOCK_EXECUTION_ID"


class Wish(msgspec.Struct, frozen=True):
    """What a run is started with. `variables` are (key, value, secured), `custom` is a section of the commit's file.

    `promotes` is the release of another environment whose commit it deploys.
    """

    variables: tuple[tuple[str, str, bool], ...] = ()
    custom: str | None = None
    promotes: int | None = None


def sealed(vault: Vault, wish: Wish, execution_id: int) -> str:
    """For a piece of work: variables may hold secrets."""
    return vault.seal(msgspec.json.encode(wish), **_place(execution_id)).hex()


def opened(vault: Vault, text: str, execution_id: int) -> Wish:
    """Raises CannotOpen."""
    return msgspec.json.decode(vault.open(bytes.fromhex(text), **_place(execution_id)), type=Wish)


async def stop_unbegun(record: Record, execution: Execution, patience: Patience, by: str) -> Execution:
    """An execution whose run has not begun ends at once: there is nothing to stop at Bitbucket."""
    seen = Observation(
        trigger=Trigger.STOP, source=Source.PERSON, at=record.now, confirmed=True, reason=f"stopped by {by}"
    )
    _, execution = await observe(record, execution, seen, patience)
    return execution


def _place(execution_id: int) -> dict[str, str]:
    return {"table": "starts", "column": "wish", "row": str(execution_id)}
