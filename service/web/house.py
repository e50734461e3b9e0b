"""What every door needs: the running parts of the service, under one name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.apprise.way import Apprise
from service.client import Clients
from service.client.signing_in import SigningIn
from service.history import Patience
from service.notifications.wording import Wordings
from service.outbound import Outbound
from service.recorder import Recorder
from service.settings import Settings
from service.store.database import Database
from service.store.inbox import Inbox
from service.vault import Vault
from service.web.hooks import Hooks
from service.web.streams import EventStream
from service.web.streams.logs import LogStreams


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that were put together in `service/app.py`. `public_url` has no slash at its end.

    `sign_in` is how people come in with accounts at Bitbucket, None where they do not.
    """

    settings: Settings
    public_url: str
    database: Database
    recorder: Recorder
    inbox: Inbox
    vault: Vault
    clients: Clients
    hooks: Hooks
    streams: EventStream
    log_streams: LogStreams
    outbound: Outbound
    apprise: Apprise
    wordings: Wordings
    patience: Patience
    workers_alive: Callable[[], bool]
    sign_in: SigningIn | None = None

    def webhook_url(self, hook_id: str) -> str:
        """Where Bitbucket delivers to."""
        return f"{self.public_url}/webhooks/bitbucket/{hook_id}"
