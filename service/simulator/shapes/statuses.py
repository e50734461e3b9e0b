"""Commit statuses as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.simulator.clock import webhook_time
from service.simulator.shapes import commits
from service.simulator.shapes.people import Json, links
from service.simulator.shapes.repositories import small
from service.simulator.statuses import CommitStatus

if TYPE_CHECKING:
    from service.simulator.repository import Repository


def in_webhook(repository: Repository, status: CommitStatus) -> Json:
    below = f"{repository.api}/commit/{status.commit.hash}"
    return {
        "key": status.key,
        "type": "build",
        "state": status.state,
        "name": status.name,
        "refname": status.refname,
        "commit": commits.in_status(repository, status.commit),
        "url": status.url,
        "repository": small(repository),
        "description": status.description,
        "created_on": webhook_time(status.created_on),
        "updated_on": webhook_time(status.updated_on),
        "links": links(self=f"{below}/statuses/build/{status.key}", commit=below),
    }


def over_rest(repository: Repository, status: CommitStatus) -> Json:
    """The same, with no more of the commit than its name."""
    return in_webhook(repository, status) | {"commit": commits.named(repository, status.commit.hash)}
