"""A Bitbucket Cloud in one object."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from service.simulator.actors import MAYA, Actor
from service.simulator.clock import Clock
from service.simulator.cloud import Cloud
from service.simulator.commits import Files
from service.simulator.credentials import Credentials, RateLimit
from service.simulator.delivering import Courier, Delivery
from service.simulator.faults import DeliveryFaults
from service.simulator.people import People
from service.simulator.repository import Repository
from service.simulator.rest.app import build
from service.simulator.rest.faults import RouteFaults
from service.simulator.rest.mischief import ReceivedRequest
from service.simulator.serving import listening
from service.simulator.storage import Storage

REQUESTS_KEPT = 10_000
FIRST_FILES: Mapping[str, str] = {"README.md": "# A repository of the simulator\n"}


class Simulator:
    """The cloud: repositories, credentials, faults, what was delivered, what was asked.

    `url` is the REST base, to be used where `https://api.bitbucket.org/2.0` would be.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.delivery_faults = DeliveryFaults()
        self.route_faults = RouteFaults()
        self.courier = Courier(self.clock, self.delivery_faults)
        self.cloud = Cloud(self.clock, self.courier)
        self.credentials = Credentials()
        self.people = People()
        self.rate_limit = RateLimit(self.clock)
        self.repositories: list[Repository] = []
        self.requests: deque[ReceivedRequest] = deque(maxlen=REQUESTS_KEPT)
        self.storage = Storage(self.repositories)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, *, port: int = 0, host: str = "127.0.0.1", clock: Clock | None = None
    ) -> AsyncIterator[Self]:
        """A simulator that answers HTTP while the block runs; port 0 takes a free one."""
        bitbucket = cls(clock=clock)
        async with bitbucket.serving(port=port, host=host):
            yield bitbucket

    @asynccontextmanager
    async def serving(self, *, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[None]:
        """Answer HTTP while the block runs; what goes on in the background ends with it."""
        async with (
            listening(build(self), host=host, port=port) as origin,
            listening(self.storage, host=host) as storage_origin,
        ):
            self.cloud.api_url = f"{origin}/2.0"
            self.cloud.storage_url = storage_origin
            try:
                yield
            finally:
                await self.cloud.stop()
                await self.courier.close()

    @property
    def url(self) -> str:
        return self.cloud.api_url

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries, oldest first, with what became of them."""
        return self.courier.history

    def delivered(self, event_key: str) -> list[Delivery]:
        """The deliveries of one event key."""
        return [delivery for delivery in self.deliveries if delivery.event_key == event_key]

    def repository(
        self,
        full_name: str,
        files: Files | None = None,
        *,
        main: str = "main",
        owner: Actor | None = None,
        runs_on_push: bool = False,
    ) -> Repository:
        """A new repository with one commit of `files` on its main branch; nothing is announced.

        Raises ValueError if the name is taken.
        """
        if any(known.full_name == full_name and not known.deleted for known in self.repositories):
            raise ValueError(f"there is a repository {full_name} already; delete() it or choose another name")
        repository = Repository(self.cloud, full_name, main=main, owner=owner)
        repository.runs_on_push = runs_on_push
        first = repository.refs.commit(None, FIRST_FILES if files is None else files, "Begin", MAYA)
        repository.refs.set_branch(main, first)
        self.repositories.append(repository)
        return repository

    async def release(self, *, newest_first: bool = False, seed: int | None = None) -> None:
        """Send the deliveries that were held back, and hold no more."""
        self.delivery_faults.holding = False
        await self.courier.release(newest_first=newest_first, seed=seed)

    async def settled(self) -> None:
        """Wait until played runs have ended and deliveries have been answered."""
        await self.cloud.settled()
