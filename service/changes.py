"""What a push means for the pipeline's files, and what the repository's end means for the pipeline."""

from __future__ import annotations

from datetime import timedelta

from service.bitbucket.globs import matches
from service.grounds import branch_of
from service.recorder import Record
from service.store import looks, own_commits, pipelines
from service.store.pipelines import Pipeline
from service.store.repositories import Repository

# Seconds in which further pushes may come: one look is enough for all of them.
SETTLING = 1.0

LOOKED_INTO = "what it changed is being looked into"


async def note_change(
    record: Record,
    repository: Repository,
    pipeline: Pipeline,
    *,
    branch: str,
    commit: str,
    previous: str | None = None,
    whole: bool = False,
    delivery_id: str | None = None,
) -> str | None:
    """That the branch is at `commit` now. None where no file depends on that branch, and no environment deploys it;
    else why nobody need look, or LOOKED_INTO.

    `whole` says that the push cannot be told file by file: what it leads to is a new state, be the commit ours.
    Whoever finds a new head without a push says so here too.
    """
    if pipeline.generated_at is None or repository.credential_id is None:
        return None
    places = await pipelines.environments_of(record.connection, pipeline.id)
    wanted = branch_of(places) or repository.main_branch
    if wanted is not None and branch != wanted:
        deployed = any(matches(place.branch_pattern, branch) for place in places)
        if delivery_id is None or not deployed:
            return None
    ours = await own_commits.among(record.connection, pipeline.id, branch, [commit])
    if ours and not whole:
        return own(ours[commit].revision)
    await looks.note_push(
        record.connection,
        pipeline.id,
        delivery_id=delivery_id,
        branch=branch,
        previous=previous,
        commit=commit,
        whole=whole,
    )
    due_at = record.now + timedelta(seconds=SETTLING)
    await record.work("regenerate", str(pipeline.id), {"pipeline_id": pipeline.id}, due_at=due_at)
    return LOOKED_INTO


async def end_pipeline(record: Record, repository_id: int) -> bool:
    """That the repository is gone from Bitbucket ends its pipeline: whether there was an active one."""
    pipeline_id = await pipelines.deactivate(record.connection, repository_id, record.now)
    if pipeline_id is None:
        return False
    told = {"pipeline_id": pipeline_id, "reason": "the repository was deleted at Bitbucket"}
    record.log("pipeline.deleted", told, repository_id=repository_id, pipeline_id=pipeline_id)
    return True


def own(revision: int) -> str:
    """Why a commit of ours starts nothing."""
    return f"the commit is Penstock's own: it brings revision {revision}"
