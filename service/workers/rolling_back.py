"""Rolls back by itself what has failed while it deployed, where the environment's policy says so."""

from __future__ import annotations

from service import occupancy
from service.consequences.rollbacks import broke_the_environment
from service.history import Patience
from service.holding import AUTOMATION
from service.launching import Busy
from service.recorder import Record, Recorder
from service.reverting import NotEligible, roll_back
from service.store import environments, executions, pipelines, releases, repositories
from service.store.audit import Actor
from service.store.executions import Execution
from service.store.work import Work
from service.vault import Vault
from service.workers.following import locked
from service.workers.tasks import Writing


class RollingBack:
    """The task of kind `rollback`; `consequences.rollbacks` writes its rows, one for each failure."""

    def __init__(self, recorder: Recorder, vault: Vault, patience: Patience) -> None:
        self._recorder = recorder
        self._vault = vault
        self._patience = patience

    async def __call__(self, piece: Work) -> Writing:
        execution_id, attempt = int(piece.payload["execution_id"]), int(piece.payload["attempt"])

        async def write_down(record: Record) -> float | None:
            execution = await locked(record, execution_id)
            if execution is None:
                return None
            refused = await self._roll_back(record, execution, attempt)
            if refused is not None:
                _tell(record, execution, refused)
                await occupancy.leave(record, execution.id)
            return None

        return write_down

    async def _roll_back(self, record: Record, execution: Execution, attempt: int) -> str | None:
        """Why it is not rolled back, if it is not: nothing is written then."""
        connection = record.connection
        pipeline = await pipelines.by_id(connection, execution.pipeline_id)
        environment = await environments.named(connection, execution.pipeline_id, execution.environment or "")
        repository = await repositories.by_id(connection, execution.repository_id)
        if pipeline is None or environment is None or not pipeline.is_active:
            return "the pipeline or its environment is there no more"
        if repository is None or repository.credential_id is None:
            return "the repository has no credential any more: nothing can be started"
        if any(one.undoes_attempt == attempt for one in await releases.rollbacks_of(connection, execution.id)):
            return None  # somebody was faster, and his rollback has the lock
        if execution.attempt != attempt or await broke_the_environment(connection, execution) is None:
            return "it was run again meanwhile"
        if (newer := await executions.newer_under_way(connection, execution)) is not None:
            return f"execution {newer}, which is newer, is under way"
        reason = f"rolled back by itself: {execution.error_message or 'it failed while it deployed'}"
        try:
            made = await roll_back(
                record,
                self._vault,
                pipeline,
                environment,
                reason=reason,
                by=AUTOMATION,
                patience=self._patience,
                automatic=True,
            )
        except (Busy, NotEligible) as error:
            return str(error)
        told = {"environment": environment.name, "undoes_execution_id": execution.id, "reason": reason}
        record.audit(Actor(AUTOMATION), "execution.rollback", f"execution {made.id}", **told)
        return None


def _tell(record: Record, execution: Execution, because: str) -> None:
    """For people: it is not rolled back, and stays as it is."""
    told = {
        "pipeline_id": execution.pipeline_id,
        "execution_id": execution.id,
        "environment": execution.environment,
        "because": because,
    }
    record.log(
        "execution.rollback_refused",
        told,
        repository_id=execution.repository_id,
        pipeline_id=execution.pipeline_id,
        execution_id=execution.id,
    )
