"""What a delivery says, in our words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any

import pytest

from service.bitbucket.deliveries import parse
from service.events import (
    Actor,
    BranchPushed,
    Event,
    ForeignStatus,
    NothingPushed,
    RefDeleted,
    RepositoryChanged,
    RepositoryDeleted,
    RepositoryMoved,
    RepositoryRenamed,
    RunEnded,
    RunReported,
    StepSpan,
    StepsTimed,
    TagPushed,
    Unreadable,
    Unused,
)
from tests.bitbucket.payloads import body, content, encoded

REPOSITORY = "{5b0e6a2c-93d1-4f5e-8c61-7f20d4c1ab39}"
IDA = Actor("Ida Holm", uuid="{0d7c1f64-8be0-4a35-b6a7-2f1c5e9d8a40}")
TOKEN = Actor("Release token", uuid="{9f6b3d21-5c47-4e08-a1d9-83b2c0e7f654}", kind="app_user")


def commit(seed: str) -> str:
    return sha1(seed.encode()).hexdigest()


ONE, TWO, OTHER, ODD = commit("one"), commit("two"), commit("other"), commit("odd")
BEGAN, ENDED = (
    datetime(2026, 3, 2, 9, 14, 31, 502117, tzinfo=UTC),
    datetime(2026, 3, 2, 9, 16, 40, 118204, tzinfo=UTC),
)


def test_a_branch_moves() -> None:
    assert parse("repo:push", body("push-branch-updated")) == (
        BranchPushed(
            REPOSITORY,
            "main",
            commit=TWO,
            previous=ONE,
            message="Turn the lens\n\nIt turned the wrong way round.\n",
            author="Ida Holm",
            actor=IDA,
        ),
    )


def test_every_ref_of_a_push_is_its_own_event_in_order() -> None:
    two = "Turn the lens\n\nIt turned the wrong way round.\n"

    assert parse("repo:push", body("push-seven-refs")) == (
        BranchPushed(
            REPOSITORY,
            "main",
            commit=TWO,
            previous=ONE,
            message=two,
            author="Ida Holm",
            actor=TOKEN,
            refs_in_push=7,
        ),
        BranchPushed(
            REPOSITORY,
            "feature/fog-horn",
            commit=OTHER,
            created=True,
            truncated=True,
            message="Grease the bearings\n",
            author="Night shift",
            actor=TOKEN,
            refs_in_push=7,
        ),
        BranchPushed(
            REPOSITORY,
            "release/1.x",
            commit=ODD,
            previous=TWO,
            forced=True,
            message="Rewrite history\n",
            author="buildhost",
            actor=TOKEN,
            refs_in_push=7,
        ),
        RefDeleted(REPOSITORY, "feature/candles", kind="branch", previous=ONE, actor=TOKEN),
        TagPushed(REPOSITORY, "v1.2.0", commit=TWO, actor=TOKEN),
        TagPushed(REPOSITORY, "v1.2.0-rc1", commit=TWO, actor=TOKEN),
        RefDeleted(REPOSITORY, "nightly", kind="tag", previous=ONE, actor=TOKEN),
    )


def test_a_push_may_name_nothing() -> None:
    assert parse("repo:push", body("push-nothing")) == (NothingPushed(REPOSITORY),)


def test_branches_of_mercurial_days_are_branches() -> None:
    events = parse("repo:push", body("push-mercurial"))

    assert [(type(event), event.ref) for event in events] == [(BranchPushed, "default"), (BranchPushed, "sounding")]


def test_fifty_refs_are_fifty_events() -> None:
    push = content("push-branch-updated")
    push["push"]["changes"] *= 50

    events = parse("repo:push", encoded(push))

    assert [(event.ref, event.refs_in_push) for event in events if isinstance(event, BranchPushed)] == [
        ("main", 50)
    ] * 50


def test_an_odd_change_costs_its_own_verdict_alone() -> None:
    push = content("push-seven-refs")
    push["push"]["changes"][1]["new"]["target"]["hash"] = "main; rm -rf"
    push["push"]["changes"][2] = 7
    push["push"]["changes"][4]["new"]["type"] = "stash"

    events = parse("repo:push", encoded(push))

    assert [type(event) for event in events] == [
        BranchPushed,
        Unreadable,
        Unreadable,
        RefDeleted,
        Unreadable,
        TagPushed,
        RefDeleted,
    ]
    assert [(event.ref, event.reason) for event in events if isinstance(event, Unreadable)] == [
        ("feature/fog-horn", 'push.changes[1].new.target.hash is "main; rm -rf", not a commit\'s hash'),
        (None, "push.changes[2] is 7, not an object"),
        ("v1.2.0", 'push.changes[4].new.type is "stash", not a type of ref'),
    ]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"type": "team", "username": "harbour", "display_name": "Harbour"}, Actor("Harbour", kind="team")),
        ({"type": "user", "nickname": "ida"}, Actor("ida")),
        ({"username": "harbour", "uuid": 7}, Actor("harbour")),
        ({"type": "user"}, None),
        (None, None),
        ("ida", None),
    ],
)
def test_actors(actor: object, expected: Actor | None) -> None:
    push = content("push-branch-updated") | {"actor": actor}

    (event,) = parse("repo:push", encoded(push))

    assert isinstance(event, BranchPushed)
    assert event.actor == expected


def test_no_text_holds_what_a_database_refuses_or_more_than_a_column_takes() -> None:
    push = content("push-branch-updated")
    new = push["push"]["changes"][0]["new"]
    new["name"] = "fog\0\n\x1b[2Jhorn" + "x" * 300
    new["target"]["message"] = "One\n\tTwo\0" + "x" * 3_000

    (event,) = parse("repo:push", encoded(push))

    assert isinstance(event, BranchPushed)
    assert event.ref == ("fog\ufffd\ufffd\ufffd[2Jhorn" + "x" * 300)[:255]
    assert event.message == ("One\n\tTwo\ufffd" + "x" * 3_000)[:2_000]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "status-in-progress",
            RunReported(
                REPOSITORY,
                "main",
                build_number=41,
                commit=TWO,
                state="INPROGRESS",
                at=BEGAN,
                url="https://bitbucket.org/harbour/lantern/addon/pipelines/home#!/results/41",
            ),
        ),
        (
            "status-successful",
            RunReported(
                REPOSITORY,
                "main",
                build_number=41,
                commit=TWO,
                state="SUCCESSFUL",
                at=ENDED,
                url="https://bitbucket.org/harbour/lantern/pipelines/results/41",
            ),
        ),
        (
            "status-of-old",
            RunReported(
                REPOSITORY,
                build_number=7,
                commit=TWO,
                state="STOPPED",
                at=ENDED,
                url="https://bitbucket.org/harbour/lantern/addon/pipelines/home#!/results/7",
            ),
        ),
        ("status-foreign", ForeignStatus(REPOSITORY, "main", name="Pipeline #41 for main", commit=TWO)),
    ],
)
def test_statuses(name: str, expected: Event) -> None:
    assert parse("repo:commit_status_created", body(name)) == (expected,)
    assert parse("repo:commit_status_updated", body(name)) == (expected,)


def status(**fields: object) -> Event:
    delivery = content("status-successful")
    delivery["commit_status"] |= fields
    (event,) = parse("repo:commit_status_updated", encoded(delivery))
    return event


@pytest.mark.parametrize(
    "path",
    [
        "harbour/lantern/pipelines/results/41",
        "harbour/lantern/pipelines/results/41/",
        "Harbour/Lantern/pipelines/results/41",
        "harbour/lantern/pipelines/results/41/steps/%7Bf08b4d3e-97a1-4c65-b2d0-6e3f5a81c794%7D",
        "harbour/lantern/addon/pipelines/home#!/results/41/steps/{f08b4d3e-97a1-4c65-b2d0-6e3f5a81c794}",
        "harbour/lantern/pipelines/results/41/runs/2/steps/%7Bf08b4d3e-97a1-4c65-b2d0-6e3f5a81c794%7D",
        "%7Bc4f1d2b8-0a6e-4d9b-9f37-61e5a8b7d012%7D/%7B5b0e6a2c-93d1-4f5e-8c61-7f20d4c1ab39%7D/pipelines/results/41",
        "{c4f1d2b8-0a6e-4d9b-9f37-61e5a8b7d012}/lantern/pipelines/results/41",
    ],
)
def test_the_url_of_a_run_has_several_forms(path: str) -> None:
    event = status(url=f"https://bitbucket.org/{path}")

    assert isinstance(event, RunReported)
    assert event.build_number == 41


@pytest.mark.parametrize(
    "url",
    [
        "http://bitbucket.org/harbour/lantern/pipelines/results/41",
        "https://bitbucket.org.quality.example/harbour/lantern/pipelines/results/41",
        "https://bitbucket.org@quality.example/harbour/lantern/pipelines/results/41",
        "https://quality.example/https://bitbucket.org/harbour/lantern/pipelines/results/41",
        "https://quality.example#https://bitbucket.org/harbour/lantern/pipelines/results/41",
        "https://bitbucketXorg/harbour/lantern/pipelines/results/41",
        "https://bitbucket.org:444/harbour/lantern/pipelines/results/41",
        "https://bitbucket.org\\@quality.example/lantern/pipelines/results/41",
        "//bitbucket.org/harbour/lantern/pipelines/results/41",
        " https://bitbucket.org/harbour/lantern/pipelines/results/41",
        "https://bitbucket.org/harbour/lantern/pipelines/results/41\n",
        "https://bitbucket.org/harbour/lantern/pipelines/results/4one",
        "https://bitbucket.org/harbour/lantern/pipelines/results/-41",
        "https://bitbucket.org/harbour/lantern/pipelines/results/٤١",
        "https://bitbucket.org/harbour/lantern/pipelines/results/%7B71d0e5c9-2b84-4f6a-93ce-a8057b1d4e62%7D",
        "https://bitbucket.org/harbour/lantern/src/pipelines/results/41",
        "https://bitbucket.org/harbour/anchor/pipelines/results/41",
        "https://bitbucket.org/coast/lantern/pipelines/results/41",
        "https://bitbucket.org/%7B%7D/%7B00000000-0000-0000-0000-000000000000%7D/pipelines/results/41",
        "",
        None,
        41,
    ],
)
def test_a_status_with_any_other_url_is_foreign(url: object) -> None:
    assert status(url=url) == ForeignStatus(REPOSITORY, "main", name="Pipeline #41 for main", commit=TWO)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "DONE"}, 'commit_status.state is "DONE", not one of FAILED, INPROGRESS, STOPPED, SUCCESSFUL'),
        ({"state": ["FAILED"]}, "commit_status.state is a list, not one of FAILED, INPROGRESS, STOPPED, SUCCESSFUL"),
        ({"commit": {"hash": "xyz"}}, 'commit_status.commit.hash is "xyz", not a commit\'s hash'),
        (
            {"url": f"https://bitbucket.org/harbour/lantern/pipelines/results/{2**31}"},
            'the run\'s number in the URL is "2147483648", not a number from 1 to 2147483647',
        ),
        (
            {"url": "https://bitbucket.org/harbour/lantern/pipelines/results/0"},
            'the run\'s number in the URL is "0", not a number from 1 to 2147483647',
        ),
    ],
)
def test_a_status_of_a_run_that_makes_no_sense_says_where(fields: dict[str, object], reason: str) -> None:
    assert status(**fields) == Unreadable(REPOSITORY, reason=reason)


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"updated_on": "2026-03-02T10:16:40+01:00"}, datetime(2026, 3, 2, 9, 16, 40, tzinfo=UTC)),
        ({"updated_on": "2026-03-02T09:16:40.118204027Z"}, ENDED),
        ({"updated_on": "2026-03-02T09:16:40.118204"}, ENDED),
        ({"updated_on": None}, BEGAN),
        ({"updated_on": "yesterday"}, BEGAN),
        ({"updated_on": "0001-01-01T00:00:00+14:00"}, BEGAN),
        ({"updated_on": 7, "created_on": {}}, None),
    ],
)
def test_a_status_has_the_time_of_its_update(fields: dict[str, object], at: datetime | None) -> None:
    event = status(**fields)

    assert isinstance(event, RunReported)
    assert event.at == at


def test_a_status_may_name_its_repository_by_itself_alone() -> None:
    delivery = content("status-successful")
    del delivery["repository"]

    (event,) = parse("repo:commit_status_updated", encoded(delivery))

    assert isinstance(event, RunReported)
    assert event.repository == REPOSITORY


STEP = StepSpan(
    "{f08b4d3e-97a1-4c65-b2d0-6e3f5a81c794}",
    datetime.fromtimestamp(1772442880, UTC),
    datetime.fromtimestamp(1772442990, UTC),
)
RUN_UUID = "{71d0e5c9-2b84-4f6a-93ce-a8057b1d4e62}"


def test_the_span_of_a_run_says_that_it_is_over_and_those_of_its_steps_when_they_ran() -> None:
    assert parse("pipeline:span_created", body("span-run-ended")) == (
        RunEnded(
            REPOSITORY,
            "main",
            build_number=41,
            pipeline_uuid="{71d0e5c9-2b84-4f6a-93ce-a8057b1d4e62}",
            run_number=2,
            at=ENDED,
        ),
        StepsTimed(REPOSITORY, pipeline_uuid=RUN_UUID, spans=(replace(STEP, run_number=2),)),
    )


@pytest.mark.parametrize("number", [{"intValue": "41"}, {"intValue": 41}, {"stringValue": "41"}, {}])
def test_the_number_of_a_span_may_be_digits_or_stand_in_the_url_alone(number: dict[str, object]) -> None:
    delivery = content("span-run-ended")
    attribute(delivery, "pipeline.build_number")["value"] = number

    event, _ = parse("pipeline:span_created", encoded(delivery))

    assert isinstance(event, RunEnded)
    assert event.build_number == 41


def test_the_span_of_a_run_with_an_absurd_number_says_where() -> None:
    delivery = content("span-run-ended")
    attribute(delivery, "pipeline_run.run_number")["value"] = {"stringValue": "second"}

    event, _ = parse("pipeline:span_created", encoded(delivery))

    reason = 'pipeline_run.run_number is "second", not a number from 1 to 2147483647'
    assert event == Unreadable(REPOSITORY, reason=reason)


def test_the_span_of_a_step_alone_says_when_it_ran() -> None:
    assert parse("pipeline:span_created", body("span-step")) == (
        StepsTimed(REPOSITORY, pipeline_uuid=RUN_UUID, spans=(STEP,)),
    )


@pytest.mark.parametrize(
    "times",
    [
        {"endTimeUnixNano": "1772442870000000000"},
        {"startTimeUnixNano": "0"},
        {"startTimeUnixNano": "yesterday"},
        {"endTimeUnixNano": None},
        {"attributes": []},
        {"attributes": 7},
    ],
    ids=str,
)
def test_a_step_whose_times_make_no_sense_or_that_has_no_name_is_passed_over(times: dict[str, Any]) -> None:
    delivery = content("span-step")
    delivery["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= times

    (event,) = parse("pipeline:span_created", encoded(delivery))

    assert isinstance(event, Unused)
    assert event.reason == "neither a run's span nor a step's"


def test_a_container_s_span_is_of_no_use() -> None:
    delivery = content("span-step")
    delivery["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] = "bbc.container"

    (event,) = parse("pipeline:span_created", encoded(delivery))

    assert isinstance(event, Unused)


def attribute(delivery: Any, key: str) -> Any:
    span = delivery["resourceSpans"][0]["scopeSpans"][0]["spans"][-1]
    return next(attribute for attribute in span["attributes"] if attribute["key"] == key)


@pytest.mark.parametrize(
    ("key", "name", "expected"),
    [
        (
            "repo:updated",
            "repository-renamed",
            RepositoryRenamed(REPOSITORY, full_name="harbour/lighthouse", previous="harbour/lantern"),
        ),
        ("repo:updated", "repository-described", RepositoryChanged(REPOSITORY, fields=("description", "website"))),
        ("repo:transfer", "repository-transferred", RepositoryMoved(REPOSITORY, full_name="coast/lantern")),
        ("repo:deleted", "repository-deleted", RepositoryDeleted(REPOSITORY)),
    ],
)
def test_what_happens_to_a_repository(key: str, name: str, expected: Event) -> None:
    assert parse(key, body(name)) == (expected,)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"slug": {"old": "lantern", "new": "lighthouse"}},
            RepositoryRenamed(REPOSITORY, full_name="harbour/lighthouse", previous="harbour/lantern"),
        ),
        ({"slug": {"new": "lighthouse"}}, RepositoryRenamed(REPOSITORY, full_name="harbour/lighthouse")),
        (
            {"slug": {"new": "light house"}},
            Unreadable(REPOSITORY, reason='changes.slug.new is "light house", not a repository\'s slug'),
        ),
        (
            {"full_name": {"new": 7}},
            Unreadable(REPOSITORY, reason="changes.full_name.new is 7, not a repository's workspace/slug"),
        ),
        ({}, RepositoryChanged(REPOSITORY)),
        (None, Unreadable(REPOSITORY, reason="changes is missing or null, not an object")),
    ],
)
def test_a_rename_is_known_by_its_full_name_or_its_slug(changes: object, expected: Event) -> None:
    delivery = content("repository-described") | {"changes": changes}

    assert parse("repo:updated", encoded(delivery)) == (expected,)


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        ("repo:fork", "repository-forked", "a fork is another repository: connect it to deploy it"),
        ("repo:commit_comment_created", "commit-comment", "comments change nothing that is deployed"),
        (
            "pullrequest:created",
            "pullrequest-created",
            "a pull request deploys nothing: the push that its merge makes does",
        ),
        (
            "pullrequest",
            "pullrequest-created",
            "a pull request deploys nothing: the push that its merge makes does",
        ),
        ("issue:updated", "issue-updated", "issues change nothing that is deployed"),
        ("repo:sunk", "repository-deleted", "Penstock does not know the event repo:sunk"),
        ("unknown", "repository-deleted", "neither a header nor the body says what happened"),
    ],
)
def test_what_nothing_acts_on_is_kept_with_the_reason(key: str, name: str, reason: str) -> None:
    assert parse(key, body(name)) == (Unused(REPOSITORY, key=key, reason=reason),)


@pytest.mark.parametrize(
    ("key", "raw", "reason"),
    [
        ("repo:push", b"{", "the body is not JSON: Input data was truncated"),
        ("repo:push", b"[]", "the body is not a JSON object"),
        ("repo:push", b"{}", "push.changes is missing or null, not a list"),
        ("repo:push", b'{"push": 7}', "push.changes is missing or null, not a list"),
        ("repo:push", b'{"push": {"changes": true}}', "push.changes is true, not a list"),
        ("repo:commit_status_created", b'{"commit_status": 7.5}', "commit_status is 7.5, not an object"),
        ("pipeline:span_created", b'{"resourceSpans": {}}', "resourceSpans is an object, not a list"),
        ("repo:transfer", b"{}", "repository.full_name is missing or null, not a repository's workspace/slug"),
    ],
)
def test_what_cannot_be_read_names_the_place_and_what_stood_there(key: str, raw: bytes, reason: str) -> None:
    assert parse(key, raw) == (Unreadable(None, reason=reason),)
