"""Handlers: every kind of event has exactly one, and every ref or status of a delivery gets its verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

import handlers
from handlers.desk import Desk, Handlers, Verdict, Word
from service import events
from service.bitbucket.deliveries import parse
from service.events import BranchPushed, Event, RunEnded
from service.store import pipelines, repositories
from service.store.database import Database
from service.workers.inbox import PAUSES
from tests.bitbucket.payloads import body, content
from tests.carrying import UUID, Carrier, carrying
from tests.living import ACTOR, change, push, status

pytestmark = pytest.mark.anyio

COMMIT, OTHER = "a" * 40, "b" * 40
AT = "2026-03-01T09:31:00+00:00"

KINDS = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)} - {Event}


@pytest.fixture
async def carrier(database: Database) -> AsyncIterator[Carrier]:
    async with carrying(database) as carrier:
        yield carrier


def test_every_kind_of_event_has_a_handler_and_there_is_no_handler_for_anything_else() -> None:
    assert handlers.router.kinds == KINDS


def test_a_second_handler_for_a_kind_is_an_error_at_import() -> None:
    async def again(event: BranchPushed, desk: Desk) -> Verdict:
        return Verdict(Word.IGNORED, "never")

    other = Handlers()
    other.on(BranchPushed)(again)

    with pytest.raises(ValueError, match="BranchPushed has two handlers: expect_a_run, again"):
        Handlers(handlers.router, other)


def ref(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "target": {"type": "commit", "hash": COMMIT}}


def changes(*found: dict[str, Any]) -> dict[str, Any]:
    return {"actor": ACTOR, "push": {"changes": list(found)}}


def tag(name: str) -> dict[str, Any]:
    return {"old": None, "new": ref("tag", name), "created": True, "closed": False, "forced": False}


def deletion(kind: str, name: str) -> dict[str, Any]:
    return {"old": ref(kind, name), "new": None, "created": False, "closed": True, "forced": False}


def foreign() -> dict[str, Any]:
    said = status(1, "SUCCESSFUL", COMMIT, at=AT)
    said["commit_status"] |= {"url": "https://sonar.example.com/1", "name": "Sonar"}
    return said


UPDATED = "repo:commit_status_updated"

VERDICTS = [
    ("repo:push", push("main", COMMIT), "main", "opened", "production deploys main"),
    ("repo:push", push("release/2.1", COMMIT), "release/2.1", "opened", "production deploys release/2.1"),
    ("repo:push", push("main", COMMIT, forced=True), "main", "opened", "production deploys main"),
    ("repo:push", push("topic", COMMIT), "topic", "ignored", "no environment deploys topic"),
    ("repo:push", push("main", COMMIT, message="x [skip ci]"), "main", "ignored", "asks Bitbucket to skip it"),
    ("repo:push", push("main", COMMIT, message="[CI SKIP] y"), "main", "ignored", "asks Bitbucket to skip it"),
    ("repo:push", changes(tag("v1.0")), "v1.0", "ignored", "no environment deploys tags"),
    ("repo:push", changes(deletion("branch", "main")), "main", "ignored", "the branch was deleted"),
    ("repo:push", changes(deletion("tag", "v1.0")), "v1.0", "ignored", "the tag was deleted"),
    ("repo:push", changes(), None, "ignored", "names no changed ref"),
    ("repo:push", {"actor": ACTOR, "push": {}}, None, "failed", "push.changes is missing"),
    ("repo:push", push("main", "not a hash"), "main", "failed", "not a commit's hash"),
    (UPDATED, status(7, "INPROGRESS", COMMIT, at=AT), "main", "opened", "run #7 was not known yet: BUILDING"),
    (UPDATED, status(7, "SUCCESSFUL", COMMIT, at=AT), "main", "opened", "run #7 was not known yet: SUCCESS"),
    (UPDATED, status(7, "STOPPED", COMMIT, at=AT), "main", "opened", "run #7 was not known yet: FAILED"),
    (UPDATED, status(7, "SKIPPED", COMMIT, at=AT), None, "failed", "commit_status.state"),
    (UPDATED, foreign(), "main", "ignored", "'Sonar' was not written by Bitbucket Pipelines"),
    ("repo:updated", {"changes": {"description": {"old": "", "new": "x"}}}, None, "unchanged", "description"),
    ("repo:deleted", {"actor": ACTOR}, None, "deactivated", "its history stays readable"),
    ("pullrequest:created", {"pullrequest": {"id": 1}}, None, "ignored", ""),
    ("repo:teleported", {"actor": ACTOR}, None, "ignored", ""),
]


@pytest.mark.parametrize(
    ("key", "payload", "about", "word", "reason"), VERDICTS, ids=[f"{row[3]}-{n}" for n, row in enumerate(VERDICTS)]
)
async def test_a_delivery_about_one_thing_gets_one_verdict(
    carrier: Carrier, key: str, payload: dict[str, Any], about: str | None, word: str, reason: str
) -> None:
    [verdict] = await carrier.carry(key, payload)

    assert (verdict["ref"], verdict["verdict"]) == (about, word)
    assert reason in verdict["reason"]
    opened = [execution.id for execution in await carrier.executions()]
    assert opened == ([verdict["execution_id"]] if word == "opened" else [])
    assert Word(verdict["verdict"])


async def test_every_ref_of_a_push_gets_its_own_verdict_in_its_order(carrier: Carrier) -> None:
    found = await carrier.carry(
        "repo:push",
        changes(
            change("main", COMMIT),
            change("topic", COMMIT),
            tag("v1"),
            deletion("branch", "old"),
            {"old": None, "new": 5},
        ),
    )

    assert [(verdict["ref"], verdict["verdict"]) for verdict in found] == [
        ("main", "opened"),
        ("topic", "ignored"),
        ("v1", "ignored"),
        ("old", "ignored"),
        (None, "failed"),
    ]


async def test_a_push_of_six_refs_starts_nothing_and_says_why(carrier: Carrier) -> None:
    names = [f"release/{n}" for n in range(6)]

    found = await carrier.carry("repo:push", changes(*[change(name, COMMIT) for name in names]))

    assert [(verdict["ref"], verdict["verdict"]) for verdict in found] == [(name, "ignored") for name in names]
    assert {"six" in verdict["reason"] or "6 refs" in verdict["reason"] for verdict in found} == {True}
    assert await carrier.executions() == []


async def test_a_push_of_five_refs_starts_five(carrier: Carrier) -> None:
    found = await carrier.carry("repo:push", changes(*[change(f"release/{n}", COMMIT) for n in range(5)]))

    assert [verdict["verdict"] for verdict in found] == ["opened"] * 5
    assert len(await carrier.executions()) == 5


async def test_one_commit_on_two_branches_waits_for_two_runs(carrier: Carrier) -> None:
    await carrier.carry("repo:push", changes(change("main", COMMIT), change("release/1", COMMIT)))
    await carrier.carry(UPDATED, status(7, "INPROGRESS", COMMIT, branch="release/1", at=AT))

    found = await carrier.executions()
    assert [(e.branch, e.bitbucket_build_number, e.status) for e in found] == [
        ("main", None, "PLANNED"),
        ("release/1", 7, "BUILDING"),
    ]


async def test_a_status_of_a_branch_that_deploys_nowhere_is_recorded_without_an_environment(
    carrier: Carrier,
) -> None:
    await carrier.carry(UPDATED, status(7, "INPROGRESS", COMMIT, branch="topic", at=AT))

    execution = await carrier.only()
    assert (execution.branch, execution.environment, execution.status) == ("topic", None, "BUILDING")


async def test_a_delivery_of_a_repository_without_a_pipeline_is_ignored(carrier: Carrier) -> None:
    await carrier.carry("repo:deleted", {"actor": ACTOR})

    found = [
        (await carrier.carry("repo:push", push("main", COMMIT)))[0],
        (await carrier.carry(UPDATED, status(7, "INPROGRESS", COMMIT, at=AT)))[0],
        (await carrier.carry("repo:deleted", {"actor": ACTOR}))[0],
    ]

    assert [verdict["verdict"] for verdict in found] == ["ignored", "ignored", "unchanged"]
    assert "no active pipeline" in found[0]["reason"]
    assert await carrier.logged() == ["pipeline.deleted"]


def renamed(full_name: str) -> dict[str, Any]:
    new, old = full_name, "acme/shop"
    repository = {"type": "repository", "full_name": full_name, "uuid": UUID, "name": full_name.split("/")[1]}
    return {"repository": repository, "changes": {"full_name": {"old": old, "new": new}}}


async def named(carrier: Carrier) -> str:
    async with carrier.database.read() as connection:
        found = await repositories.by_id(connection, carrier.repository_id)
    assert found is not None
    return found.full_name


@pytest.mark.parametrize(
    ("full_name", "word", "afterwards"),
    [
        ("acme/store", "renamed", "acme/store"),
        ("Acme/Store", "renamed", "acme/store"),
        ("acme/shop", "unchanged", "acme/shop"),
        ("acme/taken", "refused", "acme/shop"),
    ],
)
async def test_X34_a_renamed_repository_is_followed_by_its_uuid(
    carrier: Carrier, full_name: str, word: str, afterwards: str
) -> None:
    async with carrier.recorder.record() as record:
        await repositories.connect(record.connection, workspace="acme", slug="taken", uuid=None, now=record.now)

    [verdict] = await carrier.carry("repo:updated", renamed(full_name))

    assert (verdict["verdict"], await named(carrier)) == (word, afterwards)
    assert await carrier.logged() == (["pipeline.updated"] if word == "renamed" else [])


async def test_X34_a_transferred_repository_is_followed_too(carrier: Carrier) -> None:
    repository = {"type": "repository", "full_name": "umbrella/shop", "uuid": UUID, "name": "shop"}

    [verdict] = await carrier.carry("repo:transfer", {"repository": repository, "actor": ACTOR})

    assert (verdict["verdict"], await named(carrier)) == ("renamed", "umbrella/shop")


SPAN = content("span-run-ended")
SPANS_RUN = next(
    event for event in parse("pipeline:span_created", body("span-run-ended")) if isinstance(event, RunEnded)
)


@pytest.mark.parametrize(
    ("run", "word"),
    [(None, "ignored"), ("INPROGRESS", "reported"), ("FAILED", "unchanged")],
    ids=["unknown", "running", "ended"],
)
async def test_a_span_of_an_ended_run_moves_nothing_but_tells_its_uuid(
    carrier: Carrier, run: str | None, word: str
) -> None:
    if run:
        await carrier.carry(UPDATED, status(SPANS_RUN.build_number or 0, run, COMMIT, at=AT))
    before = [(execution.status, execution.attempt) for execution in await carrier.executions()]

    verdict = (await carrier.carry("pipeline:span_created", SPAN))[0]

    found = await carrier.executions()
    assert verdict["verdict"] == word
    assert [(execution.status, execution.attempt) for execution in found] == before
    assert all(execution.bitbucket_pipeline_uuid for execution in found)


async def test_a_disconnected_repositorys_deliveries_are_ignored(carrier: Carrier) -> None:
    async with carrier.recorder.record() as record:
        await repositories.disconnect(record.connection, carrier.repository_id, record.now)

    [verdict] = await carrier.carry("repo:push", push("main", COMMIT))

    assert (verdict["verdict"], verdict["reason"]) == ("ignored", "the repository is no longer connected")


async def test_a_uuid_that_comes_with_another_body_is_flagged_once_however_often_it_is_replayed(
    carrier: Carrier,
) -> None:
    await carrier.deliver("repo:push", push("main", COMMIT), "same")
    again = await carrier.deliver("repo:push", push("main", OTHER), "same")
    replayed = await carrier.replay(again.id)

    assert (again.flags, replayed.flags) == (["request_uuid_reused"], ["request_uuid_reused"])


async def test_what_cannot_be_read_at_all_lies_dead_with_its_reason(carrier: Carrier) -> None:
    found = await carrier.deliver("repo:push", {"push": 5})

    assert (found.status, [verdict["verdict"] for verdict in found.verdicts]) == ("dead", ["failed"])


class Poison(Exception):
    """What a handler with a fault raises."""


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[type[Exception]]:
    """Makes every push raise what is put in here."""
    raising: list[type[Exception]] = []
    honest = handlers.router.dispatch

    async def dispatch(event: object, desk: Desk) -> Verdict:
        if raising and isinstance(event, BranchPushed):
            await pipelines.deactivate(desk.record.connection, desk.repository.id, desk.record.now)
            raise raising[0]("out of order")
        return await honest(event, desk)

    monkeypatch.setattr(handlers.router, "dispatch", dispatch)
    return raising


@pytest.mark.parametrize("error", [Poison, OSError, ValueError])
async def test_a_delivery_that_a_handler_cannot_bear_stops_no_other_and_changes_nothing(
    carrier: Carrier, poisoned: list[type[Exception]], error: type[Exception]
) -> None:
    poisoned.append(error)

    failed = await carrier.deliver("repo:push", push("main", COMMIT))
    [other] = await carrier.carry(UPDATED, status(7, "INPROGRESS", OTHER, at=AT))

    assert (failed.status, failed.tries) == ("failed", 1)
    assert failed.verdicts[0]["reason"] == f"{error.__name__} while it was processed, try 1"
    assert other["verdict"] == "opened"


async def test_it_is_tried_again_later_and_later_and_then_lies_dead_until_it_is_replayed(
    carrier: Carrier, poisoned: list[type[Exception]]
) -> None:
    poisoned.append(Poison)
    found = await carrier.deliver("repo:push", push("main", COMMIT))
    told = [(found.status, found.tries)]
    for pause in PAUSES:
        carrier.now += timedelta(seconds=pause * 1.3)
        found = await carrier.processed(found.id)
        told.append((found.status, found.tries))
    poisoned.clear()
    replayed = await carrier.replay(found.id)

    assert told == [("failed", 1), ("failed", 2), ("failed", 3), ("failed", 4), ("dead", 4)]
    assert "replay it once the cause is gone" in found.verdicts[0]["reason"]
    assert [verdict["verdict"] for verdict in replayed.verdicts] == ["opened"]
