"""What happens to acme/shop, once of each event; and how each kind of target is told of it.

    python -m tests.notifications.samples

writes `tests/notifications/golden/<kind>.<event>.json` (`.eml` for e-mail) anew. Read the difference before it goes in.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service.notifications.targets import FORMS
from service.notifications.wording import Wordings
from service.notifications.words import DIGEST, TEST, Event, Kind, Told

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

_RUN: dict[str, Any] = {
    "repository": "acme/shop",
    "environment": "production",
    "branch": "main",
    "commit": "4f2d1c9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e",
    "commit_message": "Sell more shoes",
    "author": "Ada Quill",
    "pipeline_id": 7,
    "execution_id": 412,
    "build_number": 81,
    "build_url": "https://bitbucket.org/acme/shop/pipelines/results/81",
    "trigger_type": "webhook",
    "attempt": 1,
}
_PIPELINE: dict[str, Any] = {"repository": "acme/shop", "pipeline_id": 7}
_LOG = """\
+ ./deploy.sh production
Uploading the release 81
Starting the candidate on port 8101
GET http://127.0.0.1:8101/healthz
the candidate answered 500: {"error": "no such table: shoes", "token": "$API_TOKEN"}
the release was not switched; 80 goes on serving"""

FACTS: dict[str, dict[str, Any]] = {
    Event.STARTED: {**_RUN, "before": "PLANNED", "after": "BUILDING"},
    Event.SUCCEEDED: {**_RUN, "before": "DEPLOYING", "after": "SUCCESS", "duration_seconds": 222.4},
    Event.FAILED: {
        **_RUN,
        "before": "DEPLOYING",
        "after": "FAILED",
        "duration_seconds": 187.0,
        "reason": "the step Deploy to production failed",
        "failing_step": "Deploy to production",
        "log": _LOG,
    },
    Event.ROLLED_BACK: {
        **_RUN,
        "reason": "the checkout answers 500",
        "attempt": None,
        "more": {"to_commit": "9a8b" * 10},
    },
    Event.WAITING_APPROVAL: {
        **_RUN,
        "attempt": None,
        "more": {"decide_url": "https://penstock.example.com/approvals/412?token=c2VhbGVk"},
    },
    Event.FIXED: {**_RUN, "before": "DEPLOYING", "after": "SUCCESS", "duration_seconds": 240.0},
    Event.HELD: {**_RUN, "reason": "the checkout answers 500", "attempt": None},
    Event.DRIFTED: {
        **_PIPELINE,
        "more": {
            "kind": "file",
            "subject": "bitbucket-pipelines.yml",
            "change": "changed",
            "detail": "--- generated\n+++ there\n@@ -4,1 +4,1 @@\n-  - step: {name: Build}\n+  - step: {name: Ship}",
        },
    },
    Event.CONFIG_REGENERATED: {
        **_PIPELINE,
        "more": {
            "revision": 12,
            "changed_files": ["bitbucket-pipelines.yml", "nginx/shop.example.com.conf"],
            "diff_summary": "2 files, 14 lines added, 3 removed",
            "pull_request_url": "https://bitbucket.org/acme/shop/pull-requests/44",
        },
    },
    TEST: {"by": "ada", "more": {"name": "the team"}},
}


def sample(event: str, *, after: timedelta = timedelta(), number: int = 1) -> Told:
    """The event as a message knows it."""
    if event == DIGEST:
        gathered = [Event.SUCCEEDED, Event.FAILED, Event.ROLLED_BACK, Event.FIXED]
        told = [sample(one, after=timedelta(minutes=7 * place)) for place, one in enumerate(gathered)]
        url = "https://penstock.example.com/"
        return Told(key="msg_9", lane="digest 1", event=DIGEST, at=AT, url=url, gathered=tuple(told))
    facts = FACTS[event]
    page = f"pipelines/{facts['pipeline_id']}" if "pipeline_id" in facts else ""
    page = "drift" if event == Event.DRIFTED else page
    url = f"https://penstock.example.com/{page}"
    lane = "execution-412" if "execution_id" in facts else "pipeline-7"
    return Told(key=f"msg_{number}", lane=lane, event=event, at=AT + after, url=url, **facts)


EVENTS = [*FACTS, DIGEST]


def rendered(kind: Kind, event: str) -> str:
    """The message as a file to be read: JSON with a line for each value, mail as it is sent."""
    told = sample(event)
    body = FORMS[kind].compose(told, Wordings().of(told))
    if kind is Kind.EMAIL:
        return body.decode().replace("\r\n", "\n")
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"


def file_of(kind: Kind, event: str) -> Path:
    return GOLDEN / f"{kind}.{event}.{'eml' if kind is Kind.EMAIL else 'json'}"


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.iterdir():
        path.unlink()
    for kind in Kind:
        for event in EVENTS:
            file_of(kind, event).write_text(rendered(kind, event), encoding="utf-8")


if __name__ == "__main__":
    main()
