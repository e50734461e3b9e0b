"""The HTTP API: one file per kind of thing, each with its operations; all of them together are here."""

from service.web.api import (
    approving,
    audit,
    changing,
    credentials,
    deliveries,
    domains,
    environments,
    events,
    generating,
    insights,
    holding,
    logs,
    members,
    pipelines,
    repositories,
    running,
    session,
    syncing,
)
from service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *session.operations,
    *credentials.operations,
    *domains.operations,
    *repositories.operations,
    *members.operations,
    *generating.operations,
    *pipelines.operations,
    *changing.operations,
    *environments.operations,
    *running.operations,
    *approving.operations,
    *holding.operations,
    *syncing.operations,
    *logs.operations,
    *deliveries.operations,
    *events.operations,
    *insights.operations,
    *audit.operations,
)
