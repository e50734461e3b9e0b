"""What a push means for the configuration when its branch is deployed, and is not the one that the files follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from service.client import BitbucketError, BudgetSpent, Client, NotAllowed, RateLimited
from service.projects.relevance import relevant
from service.store.looks import Push
from service.workers.differing import Task, first_and_last, listed, touched_by


async def weighed(client: Client, task: Task) -> dict[int, str]:
    """The reason of the verdict on each of the task's `asides`, by the push's id. One call a branch, however often it
    was pushed to.
    """
    found: dict[int, str] = {}
    for branch, group in groupby(sorted(task.asides, key=lambda push: (push.branch, push.id)), lambda one: one.branch):
        pushes = tuple(group)
        reason = await _weighed(client, task, branch, pushes)
        found |= {push.id: reason for push in pushes}
    return found


async def _weighed(client: Client, task: Task, branch: str, pushes: Sequence[Push]) -> str:
    comes = f"the configuration follows {task.branch}, and what is merged there"
    first, last = first_and_last(pushes)
    if first.previous is None or task.look is None or any(push.whole for push in pushes):
        return f"what changed on {branch} cannot be told file by file; {comes}"
    try:
        entries = await client.diffstat(task.repository.address, last.commit, first.previous)
    except (BudgetSpent, RateLimited, NotAllowed):
        raise
    except BitbucketError:
        return f"what changed on {branch} cannot be told file by file; {comes}"
    gone, new, touched = touched_by(entries)
    after = (task.look.paths - gone) | new
    edited = sorted(touched & task.wrote)
    if edited:
        return f"what Penstock wrote was edited on {branch} ({listed(edited)}); {comes}, edits with it"
    matter = relevant(task.look.paths | gone, after, touched)
    if matter:
        return f"{listed(matter)} changed on {branch}; {comes}"
    count = f"{len(touched)} {'file' if len(touched) == 1 else 'files'}"
    return f"{count} changed on {branch}, none that the kind of project or its configuration is read from"
