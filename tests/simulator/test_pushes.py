"""A push moves refs, says so in one delivery, starts what it starts."""

from __future__ import annotations

from typing import Any

import pytest

from service.simulator import Actor, Create, CreateTag, Delete, DeleteTag, Force, Repository, Update
from service.simulator.pushing import Wish
from tests.simulator.conftest import Receiver

pytestmark = pytest.mark.anyio

PIPELINES = """\
image: node:20
pipelines:
  default:
    - step: {name: Build, script: [npm ci]}
  branches:
    main:
      - step: {name: Build, script: [npm ci]}
      - stage:
          deployment: production
          steps:
            - step: {name: Deploy, script: [./deploy.sh]}
    "release/*":
      - step: {name: Release, script: [npm publish]}
  tags:
    "v*":
      - step: {name: Tagged, script: [npm pack]}
  custom:
    rollback:
      - step: {name: Back, script: [./back.sh]}
"""


def only_change(receiver: Receiver) -> Any:
    (change,) = receiver.received[-1].payload["push"]["changes"]
    return change


async def test_a_push_updates_a_branch(shop: Repository, receiver: Receiver) -> None:
    before = shop.head()
    commit = await shop.push("main", {"src/app.js": "go()\n"}, message="Go")

    change = only_change(receiver)
    assert (change["old"]["target"]["hash"], change["new"]["target"]["hash"]) == (before.hash, commit.hash)
    assert [one["message"] for one in change["commits"]] == ["Go\n"]
    assert change["links"].keys() == {"html", "diff", "commits"}
    assert commit.files == {"README.md": b"# Shop\n", "src/app.js": b"go()\n"}


@pytest.mark.parametrize(
    ("wish", "kind", "flags", "links", "commits"),
    [
        (Create("feature"), "branch", {"created"}, {"html", "commits"}, 1),
        (Update("main", commits=5), "branch", set(), {"html", "diff", "commits"}, 5),
        (Update("main", commits=6), "branch", {"truncated"}, {"html", "diff", "commits"}, 5),
        (Force("old"), "branch", {"forced"}, {"html", "commits"}, 1),
        (Delete("old"), "branch", {"closed"}, None, None),
        (CreateTag("v2"), "tag", {"created"}, {"commits"}, None),
        (DeleteTag("v1"), "tag", {"closed"}, None, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Wish) else None,
)
async def test_each_kind_of_change_has_its_flags_its_links_and_its_commits(
    shop: Repository,
    receiver: Receiver,
    wish: Wish,
    kind: str,
    flags: set[str],
    links: set[str] | None,
    commits: int | None,
) -> None:
    await shop.push("old")
    await shop.tag("v1")
    await shop.push_refs(wish)

    change = only_change(receiver)
    assert (change["new"] or change["old"])["type"] == kind
    assert {flag for flag in ("created", "closed", "forced", "truncated") if change[flag]} == flags
    assert (change["links"].keys() if "links" in change else None) == links
    assert (len(change["commits"]) if "commits" in change else None) == commits


async def test_commits_are_listed_newest_first(shop: Repository, receiver: Receiver) -> None:
    commit = await shop.push(commits=3)

    hashes = [one["hash"] for one in only_change(receiver)["commits"]]
    assert hashes == [commit.hash, commit.parents[0], hashes[2]]


async def test_one_push_moves_many_refs_in_one_delivery(shop: Repository, receiver: Receiver) -> None:
    await shop.push_refs(Update("main"), Create("feature/x"), CreateTag("v1"))

    names = [change["new"]["name"] for change in receiver.received[0].payload["push"]["changes"]]
    assert (names, len(receiver.received)) == (["main", "feature/x", "v1"], 1)


async def test_a_push_of_nothing_is_delivered_all_the_same(shop: Repository, receiver: Receiver) -> None:
    await shop.push_refs()

    assert receiver.received[0].payload["push"] == {"changes": []}


async def test_a_lightweight_tag_has_neither_message_nor_date_nor_tagger(shop: Repository, receiver: Receiver) -> None:
    await shop.tag("light")
    await shop.tag("annotated", message="Signed off")

    light, annotated = (one.payload["push"]["changes"][0]["new"] for one in receiver.received)
    assert [light[key] for key in ("message", "date", "tagger")] == [None, None, None]
    assert (annotated["message"], annotated["tagger"]["raw"]) == (
        "Signed off\n",
        "Maya Lindqvist <maya-lindqvist@example.com>",
    )


async def test_an_author_without_an_account_has_no_user(shop: Repository, receiver: Receiver) -> None:
    await shop.push(author="Somebody <somebody@elsewhere.example>")
    stranger = only_change(receiver)["commits"][0]["author"]
    await shop.push(author=Actor("Kim"))
    known = only_change(receiver)["commits"][0]["author"]

    assert stranger == {"type": "author", "raw": "Somebody <somebody@elsewhere.example>"}
    assert known["user"]["nickname"] == "Kim"


@pytest.mark.parametrize(
    ("actor", "present", "absent"),
    [
        (Actor("Kim"), {"nickname", "account_id"}, {"username"}),
        (Actor("Acme", kind="team"), {"username"}, {"nickname", "account_id"}),
        (Actor("CI token", kind="app_user"), {"account_id", "kind"}, {"username", "nickname"}),
    ],
    ids=lambda value: value.kind if isinstance(value, Actor) else None,
)
async def test_each_kind_of_actor_has_its_keys(
    shop: Repository, receiver: Receiver, actor: Actor, present: set[str], absent: set[str]
) -> None:
    await shop.push(actor=actor)

    told = receiver.received[0].payload["actor"]
    assert told["type"] == actor.kind
    assert present <= told.keys()
    assert not absent & told.keys()


@pytest.mark.parametrize(
    ("branch", "steps", "selector"),
    [
        ("main", ["Build", "Deploy"], ("branches", "main")),
        ("feature/x", ["Build"], ("default", None)),
        ("release/1", ["Release"], ("branches", "release/*")),
    ],
)
async def test_a_push_starts_what_the_file_says_for_its_branch(
    shop: Repository, branch: str, steps: list[str], selector: tuple[str, str | None]
) -> None:
    shop.runs_on_push = True
    await shop.push(branch, {"bitbucket-pipelines.yml": PIPELINES})

    assert [step.name for step in shop.latest_run.all_steps] == steps
    assert (shop.latest_run.target.selector, shop.latest_run.target.pattern) == selector
    assert (shop.latest_run.state, shop.latest_run.trigger) == ("PENDING", "PUSH")


async def test_a_tag_starts_its_own_pipeline(shop: Repository) -> None:
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    shop.runs_on_push = True
    await shop.tag("other")
    await shop.tag("v1.0")

    assert [(run.target.ref_name, run.target.ref_type) for run in shop.runs] == [("v1.0", "tag")]


async def test_a_stage_gives_its_deployment_to_its_steps(shop: Repository) -> None:
    shop.runs_on_push = True
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})

    assert shop.latest_run.step("Deploy").definition.deployment == "production"


@pytest.mark.parametrize("message", ["Fix a typo [skip ci]", "[ci skip] Tidy"])
async def test_a_skip_marker_starts_nothing(shop: Repository, receiver: Receiver, message: str) -> None:
    shop.runs_on_push = True
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES}, message=message)

    assert shop.runs == []
    assert receiver.event_keys == ["repo:push"]


@pytest.mark.parametrize(("refs", "runs"), [(5, 5), (6, 0)])
async def test_a_push_of_more_than_five_refs_starts_nothing(shop: Repository, refs: int, runs: int) -> None:
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})
    shop.runs_on_push = True
    await shop.push_refs(*(Create(f"branch-{number}") for number in range(refs)))

    assert len(shop.runs) == runs


async def test_nothing_runs_where_pipelines_is_off_or_no_file_says_what(shop: Repository) -> None:
    shop.runs_on_push = True
    await shop.push("main", {"README.md": "no pipelines file"})
    shop.pipelines_enabled = False
    await shop.push("main", {"bitbucket-pipelines.yml": PIPELINES})

    assert shop.runs == []


async def test_a_broken_file_is_a_run_that_ends_in_error(shop: Repository, receiver: Receiver) -> None:
    shop.runs_on_push = True
    await shop.push("main", {"bitbucket-pipelines.yml": "pipelines: ["})

    assert (shop.latest_run.state, shop.latest_run.result) == ("COMPLETED", "ERROR")
    assert receiver.received[1].payload["commit_status"]["state"] == "FAILED"


async def test_a_rename_keeps_the_uuid_and_tells_old_and_new(shop: Repository, receiver: Receiver) -> None:
    uuid = shop.uuid
    await shop.rename("Boutique")

    told = receiver.received[0].payload
    assert told["repository"]["uuid"] == uuid
    assert told["changes"]["full_name"] == {"new": "acme/boutique", "old": "acme/shop"}


async def test_a_transfer_and_a_deletion_are_told(shop: Repository, receiver: Receiver) -> None:
    await shop.transfer("umbrella")
    await shop.delete()

    assert receiver.event_keys == ["repo:transfer", "repo:deleted"]
    assert [one.payload["repository"]["full_name"] for one in receiver.received] == ["umbrella/shop"] * 2
    assert receiver.received[0].payload["previous_owner"]["display_name"] == "Acme"
