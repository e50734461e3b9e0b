"""Pull requests as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.simulator.actors import MAYA
from service.simulator.clock import webhook_time
from service.simulator.settings import PullRequest
from service.simulator.shapes import commits
from service.simulator.shapes.people import Json, actor, links, rendered
from service.simulator.shapes.repositories import small

if TYPE_CHECKING:
    from service.simulator.repository import Repository

BELOW = (
    "commits",
    "approve",
    "request-changes",
    "diff",
    "diffstat",
    "comments",
    "activity",
    "merge",
    "decline",
    "statuses",
)


def pullrequest(repository: Repository, one: PullRequest) -> Json:
    where = f"{repository.api}/pullrequests/{one.id}"
    return {
        "comment_count": 0,
        "task_count": 0,
        "type": "pullrequest",
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "rendered": {"title": rendered(one.title), "description": rendered(one.description)},
        "state": one.state,
        "draft": one.draft,
        "merge_commit": commits.named(repository, one.merge_commit[:12]) if one.merge_commit else None,
        "close_source_branch": one.close_source_branch,
        "closed_by": actor(MAYA, repository.cloud.api_url) if one.state == "DECLINED" else None,
        "author": actor(MAYA, repository.cloud.api_url),
        "reason": one.reason,
        "created_on": webhook_time(one.created_on),
        "updated_on": webhook_time(one.updated_on),
        "destination": _end(repository, one.destination),
        "source": _source(repository, one),
        "reviewers": [{"type": "user", "uuid": uuid} for uuid in one.reviewers],
        "participants": [],
        "links": {
            **links(self=where, html=f"{repository.html}/pull-requests/{one.id}"),
            **{name: {"href": f"{where}/{name}"} for name in BELOW},
        },
        "summary": rendered(one.description),
    }


def _source(repository: Repository, one: PullRequest) -> Json:
    end = _end(repository, one.source, links={}, sync_strategies=["merge_commit", "rebase"])
    if one.fork:
        end["repository"] |= {"uuid": one.fork, "full_name": f"somebody/{repository.slug}"}
    return end


def _end(repository: Repository, branch: str, **more: Any) -> Json:
    """One end of a pull request; the commit is null once its branch is gone."""
    head = repository.refs.branches.get(branch)
    return {
        "branch": {"name": branch, **more},
        "commit": commits.named(repository, head.hash[:12]) if head else None,
        "repository": small(repository),
    }
