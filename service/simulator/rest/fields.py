"""Partial responses, as `fields=` asks for them.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/#partial-response: `values.uuid,next` selects, `-links`
leaves out, `+values.repository` adds to what is there by default (here everything is).
"""

from __future__ import annotations

from typing import Any

from service.simulator.shapes.people import Json


def partial(shape: Json, fields: str | None) -> Json:
    """`shape` with what `fields` selects; without any selection, everything but what it leaves out."""
    names = [name.strip() for name in (fields or "").split(",") if name.strip()]
    wanted = [name.split(".") for name in names if name[0] not in "+-"]
    chosen: Json = _select(shape, wanted) if wanted else shape
    for name in names:
        if name.startswith("-"):
            chosen = _without(chosen, name[1:].split("."))
    return chosen


def _select(value: Any, paths: list[list[str]]) -> Any:
    if not all(paths):  # a path has ended here: all of it
        return value
    if isinstance(value, list):
        return [_select(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    if any(path == ["*"] for path in paths):
        return value
    chosen = {}
    for key in value:
        below = [path[1:] for path in paths if path[0] in {key, "*"}]
        if below:
            chosen[key] = _select(value[key], below)
    return chosen


def _without(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, path) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: item for key, item in value.items() if key != path[0]}
    return value | {path[0]: _without(value[path[0]], path[1:])}
