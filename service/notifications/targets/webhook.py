"""A generic webhook: the facts as JSON, signed as Standard Webhooks are."""

from __future__ import annotations

from typing import Any

from service.clock import written
from service.notifications.targets.form import Form, json
from service.notifications.words import DIGEST, TYPES, Told, Wording


def content(told: Told) -> dict[str, Any]:
    """`type`, `timestamp`, `data`."""
    if told.event == DIGEST:
        data: dict[str, Any] = {"messages": [content(one) for one in told.gathered], "url": told.url}
    else:
        data = {
            **told.more,
            "execution_id": told.execution_id,
            "pipeline_id": told.pipeline_id,
            "repository": told.repository,
            "environment": told.environment,
            "branch": told.branch,
            "from": told.before,
            "to": told.after,
            "build_number": told.build_number,
            "commit": told.commit,
            "reason": told.reason,
            "url": told.url,
            "trigger_type": told.trigger_type,
            "attempt": told.attempt,
            "author": told.author,
            "duration_seconds": told.duration_seconds,
        }
    return {"type": TYPES[told.event], "timestamp": written(told.at), "data": data}


def _compose(told: Told, words: Wording) -> bytes:
    return json(content(told))


FORM = Form(_compose, shows_log=False)
