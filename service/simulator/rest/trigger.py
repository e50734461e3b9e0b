"""What a request to run asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from service.simulator.commits import Commit
from service.simulator.repository import Repository
from service.simulator.rest.answers import text_at
from service.simulator.settings import Variable
from service.simulator.shapes.people import Json
from service.simulator.targets import BadTarget, Target


def unflattened(query: Iterable[tuple[str, str]]) -> Json:
    """`target.commit.hash=…` and `variables[0].key=…` as the nested JSON they stand for."""
    nested: Json = {}
    variables: dict[str, Json] = {}
    for name, value in query:
        if match := re.fullmatch(r"variables\[(\d+)\]\.(key|value|secured)", name):
            variables.setdefault(match[1], {})[match[2]] = value == "true" if match[2] == "secured" else value
            continue
        place = nested
        *parents, leaf = name.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return nested | {"variables": list(variables.values())}


def asked_target(repository: Repository, sent: Any) -> Target:
    """The target of a trigger body. Raises BadTarget saying what is wrong with it."""
    if not isinstance(sent, dict):
        raise BadTarget("The body has no 'target'.")
    selector = text_at(sent, "selector.type") or "default"
    common: Json = {"selector": selector, "pattern": text_at(sent, "selector.pattern") or None}
    match sent.get("type"):
        case "pipeline_ref_target":
            return _ref(repository, sent, common)
        case "pipeline_commit_target":
            return Target(_commit(repository, sent), kind="commit", ref_type="commit", **common)
        case "pipeline_pullrequest_target":
            return _pull_request(repository, sent, common)
        case other:
            raise BadTarget(f"{other!r} is not a type of target; use pipeline_ref_target or pipeline_commit_target.")


def asked_variables(sent: Any) -> tuple[Variable, ...]:
    if not isinstance(sent, list) or not all(isinstance(one, dict) and one.get("key") for one in sent):
        raise BadTarget("'variables' must be a list of objects with 'key' and 'value'.")
    return tuple(Variable(one["key"], str(one.get("value", "")), bool(one.get("secured"))) for one in sent)


def _ref(repository: Repository, sent: Json, common: Json) -> Target:
    ref_type, name = text_at(sent, "ref_type") or "branch", text_at(sent, "ref_name")
    refs = repository.refs
    if name not in (refs.tags if ref_type == "tag" else refs.branches):
        raise BadTarget(f"There is no {ref_type} named '{name}'.")
    commit = _commit(repository, sent) if sent.get("commit") else refs.head(name)
    return Target(commit, ref_type=ref_type, ref_name=name, **common)


def _pull_request(repository: Repository, sent: Json, common: Json) -> Target:
    return Target(
        _commit(repository, sent),
        kind="pullrequest",
        ref_name=text_at(sent, "source"),
        destination=text_at(sent, "destination"),
        destination_commit=text_at(sent, "destination_commit.hash"),
        pull_request_id=text_at(sent, "pullrequest.id"),
        **common,
    )


def _commit(repository: Repository, sent: Json) -> Commit:
    name = text_at(sent, "commit.hash")
    if commit := repository.refs.history.get(name):
        return commit
    raise BadTarget(f"Commit '{name}' does not exist.")
