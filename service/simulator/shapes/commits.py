"""Commits with the refs that name them, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from service.simulator.clock import commit_time
from service.simulator.commits import Commit
from service.simulator.pushing import RefState, Tag
from service.simulator.shapes.people import Json, author, links, rendered
from service.simulator.shapes.repositories import small

if TYPE_CHECKING:
    from service.simulator.repository import Repository

MERGE_STRATEGIES = [
    "merge_commit",
    "squash",
    "fast_forward",
    "squash_fast_forward",
    "rebase_fast_forward",
    "rebase_merge",
]


def named(repository: Repository, name: str) -> Json:
    """The commit as a part of something else: its hash with links."""
    return {
        "hash": name,
        "links": links(self=f"{repository.api}/commit/{name}", html=f"{repository.html}/commits/{name}"),
        "type": "commit",
    }


def in_ref(repository: Repository, commit: Commit) -> Json:
    """The target of a ref in a push."""
    return {
        "type": "commit",
        "hash": commit.hash,
        "date": commit_time(commit.date),
        "author": author(commit.raw_author, commit.user, repository.cloud.api_url),
        "committer": {},
        "message": f"{commit.message}\n",
        "summary": rendered(f"{commit.message}\n"),
        "links": named(repository, commit.hash)["links"],
        "parents": [named(repository, parent) for parent in commit.parents],
        "rendered": {},
        "properties": {},
    }


def pushed(repository: Repository, commit: Commit) -> Json:
    """A commit in the list of a push."""
    shape = in_ref(repository, commit)
    return shape | {"links": shape["links"] | _deeper_links(repository, commit, patch=True)}


def in_status(repository: Repository, commit: Commit) -> Json:
    """The commit of a commit status."""
    shape = named(repository, commit.hash)
    return {
        "type": "commit",
        "hash": commit.hash,
        "date": commit_time(commit.date),
        "author": author(commit.raw_author, commit.user, repository.cloud.api_url),
        "message": f"{commit.message}\n",
        "links": shape["links"] | _deeper_links(repository, commit, patch=False),
    }


def full(repository: Repository, commit: Commit) -> Json:
    """The answer to `GET …/commit/{commit}`, also the target of a ref over REST."""
    shape = pushed(repository, commit)
    del shape["properties"]
    message = {"message": rendered(commit.message)}
    return shape | {"rendered": message, "repository": small(repository), "participants": []}


def ref_in_push(repository: Repository, ref: RefState) -> Json:
    """`old` or `new` of a change."""
    if ref.tag:
        return tag(repository, ref.tag) | {"target": in_ref(repository, ref.commit)}
    shape = branch(repository, ref.name, ref.commit)
    create = f"{repository.html}/pull-requests/new?source={ref.name}&t=1"
    shape["links"] |= links(pullrequest_create=create)
    return shape | {"target": in_ref(repository, ref.commit)}


def branch(repository: Repository, name: str, commit: Commit) -> Json:
    return {
        "name": name,
        "target": full(repository, commit),
        "links": links(
            self=f"{repository.api}/refs/branches/{quote(name)}",
            commits=f"{repository.api}/commits/{quote(name)}",
            html=f"{repository.html}/branch/{quote(name)}",
        ),
        "type": "branch",
        "merge_strategies": MERGE_STRATEGIES,
        "sync_strategies": ["merge_commit", "rebase"],
        "default_merge_strategy": "merge_commit",
    }


def tag(repository: Repository, tag: Tag) -> Json:
    """A tag; a lightweight one has neither message nor date nor tagger."""
    tagger = author(tag.tagger.raw, tag.tagger, repository.cloud.api_url)
    return {
        "name": tag.name,
        "type": "tag",
        "message": f"{tag.message}\n" if tag.message else None,
        "date": commit_time(tag.date) if tag.message else None,
        "tagger": tagger if tag.message else None,
        "target": full(repository, tag.commit),
        "links": links(
            self=f"{repository.api}/refs/tags/{quote(tag.name)}",
            commits=f"{repository.api}/commits/{quote(tag.name)}",
            html=f"{repository.html}/commits/tag/{quote(tag.name)}",
        ),
    }


def _deeper_links(repository: Repository, commit: Commit, *, patch: bool) -> Json:
    below = f"{repository.api}/commit/{commit.hash}"
    deeper = links(
        diff=f"{repository.api}/diff/{commit.hash}",
        approve=f"{below}/approve",
        comments=f"{below}/comments",
        statuses=f"{below}/statuses",
    )
    return deeper | (links(patch=f"{repository.api}/patch/{commit.hash}") if patch else {})
