"""Files, branches, pull requests, differences, statuses."""

from __future__ import annotations

import pytest

from service.client import Client, HeadMoved, NotFound
from service.simulator import Repository, Simulator
from tests.client.conftest import PIPELINES, SHOP

pytestmark = pytest.mark.anyio


async def test_a_repository_is_known_by_name_and_by_uuids(client: Client, shop: Repository) -> None:
    by_name = await client.repository(SHOP)

    assert (by_name.uuid, by_name.full_name, by_name.mainbranch and by_name.mainbranch.name) == (
        shop.uuid,
        SHOP,
        "main",
    )
    assert await client.repository(f"acme/{shop.uuid}") == by_name
    assert await client.repository(f"{shop.owner.uuid}/{shop.uuid}") == by_name


async def test_files_are_read_as_they_were_at_a_commit(client: Client, shop: Repository) -> None:
    old = shop.head().hash
    await shop.push("main", {"src/app.js": "stop()\n", "a dir/ü?.txt": "here"})
    new = shop.head().hash

    assert await client.source(SHOP, old, "src/app.js") == b"start()\n"
    assert await client.source(SHOP, new, "src/app.js") == b"stop()\n"
    assert await client.source(SHOP, new, "a dir/ü?.txt") == b"here"
    with pytest.raises(NotFound, match="gone"):
        await client.source(SHOP, new, "src/gone.js")


async def test_a_tree_is_listed_down_to_a_depth_over_all_its_pages(client: Client, bitbucket: Simulator) -> None:
    many = bitbucket.repository("acme/many", files={f"src/{n:03}.js": "x" for n in range(250)} | {"a/b/c.txt": "deep"})
    entries = await client.list_source("acme/many", many.head().hash, max_depth=2)
    files = [entry for entry in entries if entry.type == "commit_file"]

    assert len(files) == 250
    assert {entry.path for entry in entries if entry.type == "commit_directory"} == {"src", "a", "a/b"}
    assert files[0].size == 1


async def test_files_are_committed_on_the_head_they_were_made_for(client: Client, shop: Repository) -> None:
    files = {"nginx/shop.conf": "server { a=b&c; }\n", "message": "not the message\n", "src/app.js": None}
    before = shop.head().hash
    made = await client.write_source(SHOP, files, message="Add ünd remove", branch="main", parent=before)
    head = shop.head()

    assert (head.hash, head.message, head.parents) == (made, "Add ünd remove", (before,))
    assert head.files == {
        "bitbucket-pipelines.yml": PIPELINES.encode(),
        "nginx/shop.conf": b"server { a=b&c; }\n",
        "message": b"not the message\n",
    }


async def test_a_commit_for_a_head_that_moved_is_not_made(client: Client, shop: Repository) -> None:
    read = shop.head().hash
    await shop.push("main", {"src/app.js": "stop()\n"})
    moved = shop.head().hash

    with pytest.raises(HeadMoved, match="head is"):
        await client.write_source(SHOP, {"x": "y"}, message="Late", branch="main", parent=read)
    assert shop.head().hash == moved


async def test_a_commit_is_named_by_its_branch_where_the_answer_does_not_say(
    client: Client, shop: Repository, bitbucket: Simulator
) -> None:
    bitbucket.route_faults.answer("POST", "/src$", 201, headers={"Location": "https://evil.example.com/somewhere"})

    made = await client.write_source(SHOP, {"x": "y"}, message="m", branch="main", parent=shop.head().hash)
    assert made == shop.head().hash


async def test_branches_are_made_read_and_removed_slashes_in_their_names_included(
    client: Client, shop: Repository
) -> None:
    head = shop.head().hash
    made = await client.create_branch(SHOP, "penstock/config#1", commit=head)
    read = await client.branch(SHOP, "penstock/config#1")
    names = [branch.name for branch in await client.branches(SHOP)]
    await client.delete_branch(SHOP, "penstock/config#1")

    assert read == made
    assert (read.target.hash, names) == (head, ["main", "penstock/config#1"])
    assert [branch.name for branch in await client.branches(SHOP)] == ["main"]


async def test_a_pull_request_is_made_changed_and_declined(client: Client, shop: Repository) -> None:
    await client.create_branch(SHOP, "penstock/config", commit=shop.head().hash)
    made = await client.create_pull_request(
        SHOP, title="Configure", description="Why", source="penstock/config", destination="main"
    )
    changed = await client.update_pull_request(SHOP, made.id, title="Configure anew", description="Because")
    [listed] = await client.pull_requests(SHOP)
    declined = await client.decline(SHOP, made.id)

    assert (await client.pull_request(SHOP, made.id)).state == "DECLINED"
    assert (made.state, made.source.branch.name, made.destination.branch.name) == ("OPEN", "penstock/config", "main")
    assert made.links.html
    assert made.links.html.href.endswith("/pull-requests/1")
    assert (changed.title, changed.description) == ("Configure anew", "Because")
    assert listed == changed
    assert (declined.state, await client.pull_requests(SHOP)) == ("DECLINED", [])


async def test_a_difference_names_the_files_that_differ_new_against_old(client: Client, shop: Repository) -> None:
    old = shop.head().hash
    await shop.push("main", {"src/new.js": "x\n", "src/app.js": None})
    new = shop.head().hash
    entries = await client.diffstat(SHOP, new, old)

    assert {(entry.status, entry.paths) for entry in entries} == {
        ("added", frozenset({"src/new.js"})),
        ("removed", frozenset({"src/app.js"})),
    }


async def test_a_status_is_written_and_overwritten_by_its_key(client: Client, shop: Repository) -> None:
    commit = shop.head().hash
    for state in ("INPROGRESS", "SUCCESSFUL"):
        await client.set_status(
            SHOP, commit, key="penstock-1", state=state, url="https://p.example.com", name="P", description=""
        )

    assert [(one.key, one.state) for one in shop.statuses.values()] == [("penstock-1", "SUCCESSFUL")]


@pytest.mark.parametrize("key", ["", "k" * 41])
async def test_a_status_key_that_bitbucket_would_refuse_is_not_sent(
    client: Client, shop: Repository, bitbucket: Simulator, key: str
) -> None:
    with pytest.raises(ValueError, match="1 to 40 characters"):
        await client.set_status(SHOP, "a" * 40, key=key, state="FAILED", url="", name="", description="")
    assert not bitbucket.requests
