"""What a `bitbucket-pipelines.yml` offers to be started by hand, and whether it runs anything for a branch."""

from __future__ import annotations

from typing import Any

import yaml

from service.bitbucket.globs import matches

FILE = "bitbucket-pipelines.yml"

# Larger or deeper ones are nobody's pipelines file.
MOST_BYTES = 256 * 1024
DEEPEST = 50


def custom_pipelines(text: bytes) -> frozenset[str]:
    """The names of its custom pipelines; none where it is no pipelines file: Bitbucket says why, once it is started."""
    custom = _sections(text).get("custom")
    return frozenset(map(str, custom)) if isinstance(custom, dict) else frozenset()


def nothing_for(text: bytes, branch: str) -> str | None:
    """Why a push to the branch runs nothing, with the next step; None where the file has a pipeline for it."""
    sections = _sections(text)
    if not sections:
        return f"its {FILE} is not one that Bitbucket can read: Bitbucket's editor for it says where"
    branches = sections.get("branches")
    patterns = [str(pattern) for pattern in branches] if isinstance(branches, dict) else []
    if "default" in sections or any(matches(pattern, branch) for pattern in patterns):
        return None
    has = f"for branches only {', '.join(patterns)}" if patterns else "for no branch at all"
    return f"its {FILE} has no pipeline for {branch} ({has}): add one under `branches`, or a `default`"


def _sections(text: bytes) -> dict[str, Any]:
    try:
        document = None if _costs_too_much(text) else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    found = document.get("pipelines") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _costs_too_much(text: bytes) -> bool:
    """Told by the events alone, as far as they are read: a value is built only of what is small."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader) if len(text) <= MOST_BYTES else ():
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return True
    return len(text) > MOST_BYTES
