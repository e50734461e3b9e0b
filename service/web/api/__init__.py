"""The HTTP API: one file per kind of thing, each with its operations; all of them together are here."""

from service.web.api import deliveries, events, logs, pipelines, repositories, running, session, syncing
from service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *session.operations,
    *repositories.operations,
    *pipelines.operations,
    *running.operations,
    *syncing.operations,
    *deliveries.operations,
    *logs.operations,
    *events.operations,
)
