"""The tables, one file a topic. Questions about them stand in the other files of this room.

Every change of a table is a migration.
"""

from service.store.tables.accounts import failed_tries, identities, refusals, sessions, tickets, tokens, users
from service.store.tables.calls import answers, audit
from service.store.tables.columns import Id, Json, UtcDateTime, metadata, one_of
from service.store.tables.deliveries import deliveries
from service.store.tables.executions import (
    executions,
    log_pieces,
    observations,
    spans,
    steps,
    transitions,
    unfinished,
)
from service.store.tables.gates import approvals, holds, locks, probes, starts
from service.store.tables.log import entries, head
from service.store.tables.notifications import messages, notifier, routes
from service.store.tables.pipelines import config_revisions, domains, environments, pipelines, variables
from service.store.tables.regeneration import config_commits, drifts, looks, pushes
from service.store.tables.releases import kept_values, releases, rollbacks
from service.store.tables.repositories import credentials, grants, heads, hooks, repositories
from service.store.tables.work import work

__all__ = [
    "Id",
    "Json",
    "UtcDateTime",
    "answers",
    "approvals",
    "audit",
    "config_commits",
    "config_revisions",
    "credentials",
    "deliveries",
    "domains",
    "drifts",
    "entries",
    "environments",
    "executions",
    "failed_tries",
    "grants",
    "head",
    "heads",
    "holds",
    "hooks",
    "identities",
    "kept_values",
    "locks",
    "log_pieces",
    "looks",
    "messages",
    "metadata",
    "notifier",
    "observations",
    "one_of",
    "pipelines",
    "probes",
    "pushes",
    "refusals",
    "releases",
    "repositories",
    "rollbacks",
    "routes",
    "sessions",
    "spans",
    "starts",
    "steps",
    "tickets",
    "tokens",
    "transitions",
    "unfinished",
    "users",
    "variables",
    "work",
]
