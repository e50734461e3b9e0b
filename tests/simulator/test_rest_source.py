"""Files, commits, refs, statuses, pull requests over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from service.simulator import Repository, Simulator
from tests.simulator.conftest import Receiver

pytestmark = pytest.mark.anyio

TREE = {"README.md": "# Shop\n", "src/app.js": "1\n", "src/lib/a.js": "a\n", "src/lib/deep/b.js": "b\n"}


async def paths(rest: httpx.AsyncClient, path: str, **params: str | int) -> list[str]:
    """The paths of a listing over all its pages."""
    found: list[str] = []
    url: str | None = path
    while url:
        answer = (await rest.get(url, params=params if url == path else None)).json()
        found += [entry["path"] for entry in answer["values"]]
        url = answer.get("next")
    return found


async def test_a_file_is_read_at_a_branch_a_tag_or_a_commit(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.tag("v1")
    old = shop.head()
    await shop.push("main", {"README.md": "# New\n"})

    read = [(await rest.get(f"/src/{name}/README.md")).text for name in ("main", "HEAD", "v1", old.hash, old.hash[:12])]
    assert read == ["# New\n", "# New\n", "# Shop\n", "# Shop\n", "# Shop\n"]


async def test_a_file_is_bytes_with_an_etag(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.push("main", {"logo.png": b"\x89PNG\x00\xff"})
    answer = await rest.get("/src/main/logo.png")
    again = await rest.get("/src/main/logo.png", headers={"If-None-Match": answer.headers["etag"]})

    assert (answer.content, again.status_code) == (b"\x89PNG\x00\xff", 304)
    assert answer.headers["content-disposition"] == 'attachment; filename="logo.png"'


@pytest.mark.parametrize("path", ["/src/main/nothing.txt", "/src/nowhere/README.md", "/src/feature/x/README.md"])
async def test_what_is_not_there_is_a_404(shop: Repository, rest: httpx.AsyncClient, path: str) -> None:
    await shop.create_branch("feature/x")  # a branch with a slash cannot be told from a directory

    assert (await rest.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "params", "found"),
    [
        ("/src/main/", {}, ["src", "README.md"]),
        ("/src", {}, ["src", "README.md"]),
        ("/src/main/src", {}, ["src/lib", "src/app.js"]),
        ("/src/main/src/", {"max_depth": 2}, ["src/lib", "src/lib/deep", "src/app.js", "src/lib/a.js"]),
        ("/src/main/", {"max_depth": 9, "pagelen": 2}, ["src", "src/lib", "src/lib/deep", *sorted(TREE)]),
    ],
)
async def test_a_directory_is_listed_page_by_page_to_a_depth(
    shop: Repository, rest: httpx.AsyncClient, path: str, params: dict[str, int], found: list[str]
) -> None:
    await shop.push("main", TREE)

    assert await paths(rest, path, **params) == found


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_a_commit_is_written_by_a_form(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient, receiver: Receiver, encoding: str
) -> None:
    head = shop.head()
    fields = {"message": "Configure", "author": "Bot <bot@x.example>", "branch": "main", "parents": head.hash}
    content = "a: 1\r\nb: ü\n"
    how: dict[str, Any] = (
        {"data": fields | {"/ci.yml": content, "files": "README.md"}}
        if encoding == "urlencoded"
        else {"data": fields | {"files": "README.md"}, "files": {"/ci.yml": ("ci.yml", content.encode())}}
    )
    answer = await rest.post("/src", **how)
    await bitbucket.settled()

    new = shop.head()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{shop.api}/commit/{new.hash}")
    assert dict(new.files) == {"src/app.js": b"start()\n", "ci.yml": content.encode()}
    assert (new.message, new.raw_author, new.parents) == ("Configure", "Bot <bot@x.example>", (head.hash,))
    assert receiver.event_keys == ["repo:push"]


async def test_a_commit_on_a_head_that_has_moved_is_a_409(shop: Repository, rest: httpx.AsyncClient) -> None:
    stale = shop.head()
    new = await shop.push()
    answer = await rest.post("/src", data={"branch": "main", "parents": stale.hash, "x": "y"})

    assert (answer.status_code, shop.head()) == (409, new)


async def test_a_new_branch_is_made_from_the_main_branch_or_from_parents(
    shop: Repository, rest: httpx.AsyncClient
) -> None:
    old = shop.head()
    head = await shop.push()
    await rest.post("/src", data={"branch": "from-main", "x": "y"})
    await rest.post("/src", data={"branch": "from-old", "parents": old.hash, "x": "y"})

    assert shop.head("from-main").parents == (head.hash,)
    assert shop.head("from-old").parents == (old.hash,)


async def test_what_is_no_form_is_refused(shop: Repository, rest: httpx.AsyncClient) -> None:
    before = shop.head()
    answer = await rest.post("/src", json={"x": "y"})

    assert (answer.status_code, shop.head()) == (400, before)


async def test_a_diffstat_says_what_new_has_that_old_has_not(shop: Repository, rest: httpx.AsyncClient) -> None:
    old = await shop.push("main", {"keep": "1\n", "drop": "2\n", "edit": "a\nb\n", "from": "moved\n"})
    new = await shop.push("main", {"drop": None, "edit": "a\nc\nd\n", "from": None, "to": "moved\n", "add": "x\n"})
    rows = (await rest.get(f"/diffstat/{new.hash}..{old.hash}")).json()["values"]

    def path(side: Any) -> str | None:
        return side["path"] if side else None

    assert [(r["status"], path(r["old"]), path(r["new"]), r["lines_added"], r["lines_removed"]) for r in rows] == [
        ("added", None, "add", 1, 0),
        ("removed", "drop", None, 0, 1),
        ("modified", "edit", "edit", 2, 1),
        ("renamed", "from", "to", 0, 0),
    ]


async def test_a_diffstat_starts_at_the_merge_base_unless_told_otherwise(
    shop: Repository, rest: httpx.AsyncClient
) -> None:
    topic = await shop.push("topic", {"topic.txt": "1\n"})
    main = await shop.push("main", {"main.txt": "2\n"})
    spec = f"{topic.hash}..{main.hash}"
    from_base = (await rest.get(f"/diffstat/{spec}")).json()["values"]
    direct = (await rest.get(f"/diffstat/{spec}", params={"topic": "false"})).json()["values"]

    assert [row["status"] for row in from_base] == ["added"]
    assert [row["status"] for row in direct] == ["removed", "added"]


async def test_a_diffstat_is_paged(shop: Repository, rest: httpx.AsyncClient) -> None:
    new = await shop.push("main", {f"file-{number}": "x" for number in range(25)})
    first = (await rest.get(f"/diffstat/{new.hash}")).json()
    second = (await rest.get(first["next"])).json()

    assert (first["size"], len(first["values"]), len(second["values"])) == (25, 10, 10)


async def test_a_branch_is_made_read_deleted(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    body = {"name": "fix/1", "target": {"hash": shop.head().hash}}
    made = await rest.post("/refs/branches", json=body)
    again = await rest.post("/refs/branches", json=body)
    read = await rest.get("/refs/branches/fix/1")
    listed = (await rest.get("/refs/branches")).json()["values"]
    deleted = await rest.delete("/refs/branches/fix/1")
    await bitbucket.settled()

    assert (made.status_code, again.status_code, deleted.status_code) == (201, 400, 204)
    assert read.json() == made.json()
    assert [branch["name"] for branch in listed] == ["fix/1", "main"]
    assert receiver.event_keys == ["repo:push", "repo:push"]
    assert (await rest.get("/refs/branches/fix/1")).status_code == 404


async def test_the_main_branch_is_not_deleted(shop: Repository, rest: httpx.AsyncClient) -> None:
    assert (await rest.delete("/refs/branches/main")).status_code == 403
    assert "main" in shop.refs.branches


async def test_commits_are_listed_between_two(shop: Repository, rest: httpx.AsyncClient) -> None:
    old = shop.head()
    new = await shop.push(commits=3)
    asked = {"include": new.hash, "exclude": old.hash}
    rows = (await rest.get("/commits", params=asked)).json()["values"]
    one = (await rest.get(f"/commit/{new.hash}")).json()

    assert [len(rows), rows[0]["hash"]] == [3, new.hash]
    assert one == rows[0]


async def test_anybody_may_overwrite_a_status_that_pipelines_wrote(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    await shop.start_run("main")
    url = f"/commit/{shop.head().hash}/statuses/build"
    forged = {"key": "3343801", "state": "SUCCESSFUL", "name": "Pipeline #1 for main", "refname": "main"}
    answer = await rest.post(url, json=forged)
    await bitbucket.settled()

    assert answer.status_code == 200
    assert receiver.event_keys == ["repo:commit_status_created", "repo:commit_status_updated"]
    assert (await rest.get(f"{url}/3343801")).json()["state"] == "SUCCESSFUL"


async def test_a_status_is_made_listed_by_ref_and_put(shop: Repository, rest: httpx.AsyncClient) -> None:
    commit = f"/commit/{shop.head().hash}/statuses"
    made = await rest.post(f"{commit}/build", json={"key": "qa", "state": "INPROGRESS", "refname": "main"})
    await rest.post(f"{commit}/build", json={"key": "lint", "state": "FAILED"})
    put = await rest.put(f"{commit}/build/qa", json={"state": "STOPPED", "refname": "main"})
    listed = (await rest.get(commit, params={"refname": "main"})).json()["values"]

    assert (made.status_code, put.status_code) == (201, 200)
    assert [(one["key"], one["state"]) for one in listed] == [("qa", "STOPPED")]
    assert put.json()["created_on"] == made.json()["created_on"] < put.json()["updated_on"]


@pytest.mark.parametrize("body", [{"key": "qa"}, {"state": "FAILED"}, {"key": "qa", "state": "GREEN"}])
async def test_a_status_without_key_or_state_is_a_400(
    shop: Repository, rest: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await rest.post(f"/commit/{shop.head().hash}/statuses/build", json=body)

    assert (answer.status_code, shop.statuses) == (400, {})


async def test_a_pull_request_is_opened_edited_declined(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    await shop.create_branch("change")
    body = {"title": "Change", "source": {"branch": {"name": "change"}}, "close_source_branch": True}
    made = await rest.post("/pullrequests", json=body)
    edited = await rest.put("/pullrequests/1", json={"title": "Change more", "description": "Because."})
    opened = (await rest.get("/pullrequests")).json()["values"]
    declined = await rest.post("/pullrequests/1/decline")
    await bitbucket.settled()

    assert (made.status_code, made.json()["destination"]["branch"]["name"]) == (201, "main")
    assert opened == [edited.json()]
    assert (edited.json()["title"], declined.json()["state"]) == ("Change more", "DECLINED")
    assert (await rest.get("/pullrequests")).json()["values"] == []
    assert (await rest.get("/pullrequests", params={"state": "DECLINED"})).json()["size"] == 1
    assert (await rest.put("/pullrequests/1", json={"title": "Too late"})).status_code == 400
    assert receiver.event_keys[1:] == ["pullrequest:created", "pullrequest:updated", "pullrequest:rejected"]


async def test_a_pull_request_needs_branches_that_are_there(rest: httpx.AsyncClient) -> None:
    answer = await rest.post("/pullrequests", json={"title": "x", "source": {"branch": {"name": "nowhere"}}})

    assert (answer.status_code, (await rest.get("/pullrequests/1")).status_code) == (400, 404)
    assert answer.json()["error"]["fields"] == {"source.branch.name": "branch 'nowhere' not found"}


async def test_a_renamed_repository_answers_under_its_new_name_and_its_uuid(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient
) -> None:
    await shop.rename("Boutique")
    new = await rest.get(f"{bitbucket.url}/repositories/acme/boutique")
    by_uuid = await rest.get(f"{bitbucket.url}/repositories/acme/{quote(shop.uuid)}")

    assert new.json() == by_uuid.json()
    assert (await rest.get("")).status_code == 404


async def test_a_deleted_repository_is_gone(shop: Repository, rest: httpx.AsyncClient) -> None:
    await shop.delete()
    answer = await rest.get("")

    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Repository acme/shop not found")
