"""What came of a commit on an environment is told to Bitbucket, where the environment asks for that."""

from __future__ import annotations

from service.consequences.moved import Moved
from service.machine import State
from service.recorder import Record
from service.store import environments, executions, releases


async def tell_the_verdict(record: Record, moved: Moved) -> None:
    """Also on what a rollback has undone. The piece holds no verdict: whoever sends it asks what it is by then."""
    execution = moved.execution
    if not moved.ended or execution.environment is None:
        return
    environment = await environments.named(record.connection, execution.pipeline_id, execution.environment)
    if environment is None or not environment.commit_status:
        return
    commits = [execution.bitbucket_commit_hash]
    if execution.trigger_type == "rollback" and moved.after is State.SUCCESS:
        rollback = await releases.rollback_by(record.connection, execution.id)
        undone = await executions.by_id(record.connection, rollback.undoes_execution_id) if rollback else None
        commits += [undone.bitbucket_commit_hash] if undone else []
    for commit in commits:
        if commit is not None:
            # one piece for a commit there: of two that ended on it, nobody tells the older one last
            about = {"pipeline_id": execution.pipeline_id, "environment": execution.environment, "commit": commit}
            await record.work("verdict", f"{environment.id}.{commit}", about)
