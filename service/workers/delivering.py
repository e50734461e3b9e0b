"""Brings a pipeline's newest revision into its repository, by the policy that the pipeline has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service.bitbucket.answers import PullRequest
from service.client import BitbucketError, Client, Clients, HeadMoved, NoCredential, NotAllowed, Refused
from service.drift import FIRST_LOOK, look_for_it
from service.failpoints import fail_point
from service.grounds import branch_of
from service.merging import Conflict
from service.proposals import BRANCH, message
from service.recorder import Record, Recorder
from service.store import own_commits, pipelines, repositories, revisions, work
from service.store.own_commits import OwnCommit
from service.store.pipelines import Pipeline
from service.store.repositories import Repository
from service.store.revisions import Revision
from service.store.work import Work
from service.workers.following import later
from service.workers.meeting import Meeting, meet
from service.workers.proposing import Occupied, Proposal, Remember, open_requests, propose, withdraw
from service.workers.tasks import Writing

# How often a commit is made anew on a branch that others keep moving, in one go.
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be brought where. `base` has arrived before, `own` are our commits on the branch of proposals, the
    newest first.
    """

    pipeline: Pipeline
    repository: Repository
    branch: str
    wanted: Revision
    base: Revision | None
    own: tuple[OwnCommit, ...]
    proposed: Revision | None  # the revision in the newest of them

    @property
    def commits(self) -> frozenset[str]:
        return frozenset(one.commit for one in self.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What has become of it; `merged` is an earlier revision that a person has merged meanwhile."""

    delivered: str
    conflicts: tuple[Conflict, ...] = ()
    pull_request: tuple[int, str | None] | None = None
    commit: str | None = None
    problem: str | None = None
    merged: Revision | None = None


class Deliverer:
    """The task of kind `deliver`, one row a pipeline. `public_url` is where a person looks at the pipeline."""

    def __init__(self, recorder: Recorder, clients: Clients, public_url: str) -> None:
        self._recorder = recorder
        self._clients = clients
        self._public_url = public_url

    async def __call__(self, piece: Work) -> Writing:
        delivery = await self._delivery(int(piece.payload["pipeline_id"]))
        if delivery is None:
            return _nothing
        try:
            client = await self._clients.for_repository(delivery.repository)
            if client is None:
                return _nothing
            brought = await self._bring(client, delivery)
        except NoCredential:
            return _nothing
        except Occupied as occupied:
            brought = Brought(delivered="failed", problem=str(occupied))
        except Refused as error:  # asking again does not help: the next push, or a person, does
            brought = Brought(delivered="failed", problem=str(error))
        except NotAllowed as error:
            await self._tell(delivery, str(error))
            raise later(error, piece.tries, self._recorder) from None
        except BitbucketError as error:
            raise later(error, piece.tries, self._recorder) from None

        async def write_down(record: Record) -> float | None:
            await _write_down(record, delivery, brought)
            if piece.payload.get("edited"):
                await look_for_it(record, delivery.pipeline.id)
            return None

        return write_down

    async def _delivery(self, pipeline_id: int) -> Delivery | None:
        async with self._recorder.database.read() as connection:
            pipeline = await pipelines.by_id(connection, pipeline_id)
            wanted = await revisions.standing(connection, pipeline_id)
            if pipeline is None or not pipeline.is_active or wanted is None:
                return None
            repository = await repositories.by_id(connection, pipeline.repository_id)
            if repository is None or repository.disconnected_at:
                return None
            places = await pipelines.environments_of(connection, pipeline_id)
            branch = branch_of(places) or repository.main_branch
            own = await own_commits.on_branch(connection, pipeline_id, BRANCH)
            if branch is None:
                return None
            return Delivery(
                pipeline=pipeline,
                repository=repository,
                branch=branch,
                wanted=wanted,
                base=await revisions.arrived(connection, pipeline_id),
                own=tuple(own),
                proposed=await revisions.numbered(connection, pipeline_id, own[0].revision) if own else None,
            )

    async def _bring(self, client: Client, delivery: Delivery) -> Brought:
        name, wanted = delivery.repository.address, delivery.wanted
        already = await open_requests(client, name)
        merged: Revision | None = None
        if not already:
            state = await _state_of_last(client, delivery)
            if state == "MERGED":
                merged = delivery.proposed
                delivery = replace(delivery, base=merged)
            elif state is not None and delivery.proposed == wanted:
                return Brought(delivered="declined")
        if delivery.base is not None and delivery.base.number >= wanted.number:
            await self._withdraw(client, delivery, already)
            return Brought(delivered="delivered", merged=merged, conflicts=_conflicts(wanted))
        for _ in range(TRIES):
            head = (await client.branch(name, delivery.branch)).target.hash
            also = delivery.proposed if already else None
            meeting = await meet(client, name, head, base=delivery.base, wanted=wanted, also=also)
            if not meeting.changes:
                await self._withdraw(client, delivery, already)
                return Brought(delivered="delivered", commit=head, conflicts=meeting.conflicts, merged=merged)
            match delivery.pipeline.config_delivery:
                case "manual":
                    await self._withdraw(client, delivery, already)
                    return Brought(delivered="none", conflicts=meeting.conflicts, merged=merged)
                case "pull_request":
                    wish = self._proposal(delivery, meeting)
                    made, conflicts = await propose(client, wish, already, self._remember(delivery))
                    number = made.id, made.links.page
                    return Brought(delivered="waiting", pull_request=number, conflicts=conflicts, merged=merged)
            await self._withdraw(client, delivery, already)
            try:
                commit = await self._commit(client, delivery, meeting)
            except HeadMoved as moved:
                last_try = moved
                continue
            return Brought(delivered="delivered", commit=commit, conflicts=meeting.conflicts, merged=merged)
        raise last_try

    async def _withdraw(self, client: Client, delivery: Delivery, already: Sequence[PullRequest]) -> None:
        if already:
            await withdraw(client, delivery.repository.address, already, delivery.commits)

    def _proposal(self, delivery: Delivery, meeting: Meeting) -> Proposal:
        return Proposal(
            name=delivery.repository.address,
            target=delivery.branch,
            revision=delivery.wanted,
            meeting=meeting,
            last=delivery.own[0] if delivery.own else None,
            own=delivery.commits,
            url=f"{self._public_url}/pipelines/{delivery.pipeline.id}",
            skip_ci=delivery.pipeline.config_skip_ci,
        )

    async def _commit(self, client: Client, delivery: Delivery, meeting: Meeting) -> str:
        """Straight onto the branch; raises HeadMoved where somebody was faster."""
        said = message(delivery.wanted, skip_ci=delivery.pipeline.config_skip_ci)
        name = delivery.repository.address
        commit = await client.write_source(
            name, meeting.changes, message=said, branch=delivery.branch, parent=meeting.head
        )
        fail_point("delivery.committed")
        made = OwnCommit(commit=commit, branch=delivery.branch, onto=meeting.head, revision=delivery.wanted.number)
        await self._remember(delivery)(made)
        return commit

    def _remember(self, delivery: Delivery) -> Remember:
        async def remember(made: OwnCommit) -> None:
            async with self._recorder.record() as record:
                await own_commits.add(record.connection, delivery.pipeline.id, made, record.now)

        return remember

    async def _tell(self, delivery: Delivery, problem: str) -> None:
        async with self._recorder.record() as record:
            await revisions.change(record.connection, delivery.wanted.id, problem=problem)


async def _state_of_last(client: Client, delivery: Delivery) -> str | None:
    """What became of the pull request that was opened last; None where nothing of it is to be learned."""
    proposed = delivery.proposed
    if proposed is None or proposed.pull_request_id is None:
        return None
    if delivery.base is not None and delivery.base.number >= proposed.number:
        return None
    found = await client.pull_request(delivery.repository.address, proposed.pull_request_id)
    return None if found.state == "OPEN" else found.state


async def _write_down(record: Record, delivery: Delivery, brought: Brought) -> None:
    pipeline, wanted = delivery.pipeline, delivery.wanted
    await repositories.by_id(record.connection, pipeline.repository_id, lock=True)
    cleanup = ("cleanup", f"{pipeline.id} config")
    if (asked := await work.payload_of(record.connection, *cleanup)) is not None:
        await record.work(*cleanup, asked)  # the pipeline was deleted while this was brought
    if brought.merged is not None and brought.merged.id != wanted.id:
        await revisions.change(record.connection, brought.merged.id, delivered="delivered")
    number, link = brought.pull_request or (wanted.pull_request_id, wanted.pull_request_url)
    conflicts = [msgspec.to_builtins(one) for one in brought.conflicts]
    values: dict[str, Any] = {
        "delivered": brought.delivered,
        "pull_request_id": number,
        "pull_request_url": link,
        "conflicts": conflicts,
        "problem": brought.problem,
        "arrived_in": wanted.arrived_in or (brought.commit if brought.delivered == "delivered" else None),
    }
    now = await revisions.numbered(record.connection, pipeline.id, wanted.number)
    if now is not None and now.delivered == "superseded" and brought.delivered != "delivered":
        values["delivered"] = "superseded"  # a newer one was made meanwhile, and comes next
    if all(getattr(now, name) == value for name, value in values.items()):
        return
    await revisions.change(record.connection, wanted.id, **values)
    if brought.delivered == "delivered":
        await look_for_it(record, pipeline.id, due_at=record.now + FIRST_LOOK)
    told = {
        "pipeline_id": pipeline.id,
        "revision": wanted.number,
        "delivered": brought.delivered,
        "pull_request_url": link,
        "commit": brought.commit,
        "conflicts": len(conflicts),
        "problem": brought.problem,
    }
    record.log("config.delivered", told, repository_id=pipeline.repository_id, pipeline_id=pipeline.id)


def _conflicts(wanted: Revision) -> tuple[Conflict, ...]:
    return tuple(msgspec.convert(one, Conflict) for one in wanted.conflicts or ())


async def _nothing(record: Record) -> float | None:
    """There is nothing to bring, or nobody who may."""
    return None
