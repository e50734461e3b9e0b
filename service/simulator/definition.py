"""The steps that a `bitbucket-pipelines.yml` gives a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from service.simulator.targets import BadTarget, Target

FILE = "bitbucket-pipelines.yml"
DEFAULT_IMAGE = "atlassian/default-image:latest"


@dataclass(frozen=True, slots=True)
class StepDefinition:
    name: str
    deployment: str | None = None
    manual: bool = False
    script: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE


@dataclass(frozen=True, slots=True)
class Definition:
    """The pipeline of the file that a target runs; `selector` and `pattern` name its section and key."""

    selector: str
    pattern: str | None
    steps: tuple[StepDefinition, ...]


def definition_for(text: bytes, target: Target) -> Definition | None:
    """The pipeline for `target`, or None where the file has none.

    Raises BadTarget if the text is not a pipelines file: fix the file.
    """
    document = _document(text)
    selector, pattern, items = _choose(document["pipelines"], target)
    if items is None:
        return None
    image = document.get("image", DEFAULT_IMAGE)
    default_image = image["name"] if isinstance(image, dict) else str(image)
    return Definition(selector, pattern, tuple(_named(_steps(items, deployment=None, image=default_image))))


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadTarget(f"{FILE} is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("pipelines"), dict):
        raise BadTarget(f"{FILE} has no 'pipelines' section; add one with at least one pipeline.")
    return document


def _choose(pipelines: dict[str, Any], target: Target) -> tuple[str, str | None, Any]:
    """Section, key and items; the items are None where nothing fits."""
    if target.selector == "custom":
        return "custom", target.pattern, (pipelines.get("custom") or {}).get(target.pattern)
    section = "pull-requests" if target.kind == "pullrequest" else "tags" if target.ref_type == "tag" else "branches"
    for pattern, items in (pipelines.get(section) or {}).items():
        if glob(str(pattern)).fullmatch(target.ref_name or ""):
            return section, str(pattern), items
    return "default", None, pipelines.get("default") if section == "branches" else None


def glob(pattern: str) -> re.Pattern[str]:
    """`*` stays within one part of a ref's name, `**` does not, `{a,b}` is either."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    tokens = re.split(r"(\*\*|[*?{},])", pattern)
    return re.compile("".join(parts.get(token, re.escape(token)) for token in tokens))


def _steps(items: Any, *, deployment: str | None, image: str) -> Iterator[StepDefinition]:
    for item in items if isinstance(items, list) else items.get("steps", []):
        for kind, body in item.items():
            if kind in {"step", "final"}:
                yield _step(body, deployment=deployment, image=image)
            elif kind == "parallel":
                yield from _steps(body, deployment=deployment, image=image)
            elif kind == "stage":
                yield from _steps(body["steps"], deployment=body.get("deployment", deployment), image=image)


def _step(body: dict[str, Any], *, deployment: str | None, image: str) -> StepDefinition:
    own_image = body.get("image", image)
    return StepDefinition(
        name=str(body.get("name", "")),
        deployment=body.get("deployment", deployment),
        manual=body.get("trigger") == "manual",
        script=tuple(str(line) for line in body.get("script", ())),
        image=own_image["name"] if isinstance(own_image, dict) else str(own_image),
    )


def _named(steps: Iterator[StepDefinition]) -> Iterator[StepDefinition]:
    for number, step in enumerate(steps, 1):
        yield (
            step
            if step.name
            else StepDefinition(f"Step {number}", step.deployment, step.manual, step.script, step.image)
        )
