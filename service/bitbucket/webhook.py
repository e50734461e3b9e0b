"""Our webhook at Bitbucket, as it should be."""

from __future__ import annotations

from service.bitbucket.answers import Hook

# https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
EVENTS = (
    "repo:push",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:updated",
    "repo:transfer",
    "repo:deleted",
    "pipeline:span_created",
)

DESCRIPTION = "Penstock"


def is_ours(there: Hook, *, uuid: str | None, hook_id: str) -> bool:
    """By the name that Bitbucket gave it, or by the last part of its address: the public URL may have changed."""
    return there.uuid == uuid or there.url.endswith(f"/webhooks/bitbucket/{hook_id}")


def faults_of(there: Hook, url: str | None) -> list[str]:
    """Why it tells us nothing, or not all. Without `url` its address counts as right."""
    missing = sorted(set(EVENTS) - set(there.events))
    faults = {
        "inactive": not there.active,
        "without a secret": not there.secret_set,
        f"for {there.url}": url is not None and there.url != url,
        f"without {', '.join(missing)}": bool(missing),
    }
    return [fault for fault, found in faults.items() if found]
