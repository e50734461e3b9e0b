"""The service with the oldest bug there is, seeded: it acknowledges a delivery before that is committed.

Only here so that a test can see whether the crash loop would notice.
"""

from __future__ import annotations

import asyncio

from service import app
from service.cli import main
from service.store.inbox import Arrival, Inbox, Receipt, Stored, new_ids


class HastyInbox(Inbox):
    async def put(self, arrival: Arrival, *, timeout: float) -> Stored:
        self._storing = asyncio.create_task(super().put(arrival, timeout=timeout))
        return Receipt.ACCEPTED, new_ids(1)[0]


if __name__ == "__main__":
    app.Inbox = HastyInbox  # type: ignore[misc]
    main()
