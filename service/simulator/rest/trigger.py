"""What a request to run asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from service.simulator.commits import Commit
from service.simulator.repository import Repository
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
    selector = sent.get("selector") or {}
    common: Json = {"selector": selector.get("type", "default"), "pattern": selector.get("pattern")}
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
    ref_type, name = sent.get("ref_type", "branch"), sent.get("ref_name", "")
    refs = repository.refs
    if name not in (refs.tags if ref_type == "tag" else refs.branches):
        raise BadTarget(f"There is no {ref_type} named '{name}'.")
    commit = _commit(repository, sent) if sent.get("commit") else refs.head(name)
    return Target(commit, ref_type=ref_type, ref_name=name, **common)


def _pull_request(repository: Repository, sent: Json, common: Json) -> Target:
    return Target(
        _commit(repository, sent),
        kind="pullrequest",
        ref_name=sent.get("source"),
        destination=sent.get("destination"),
        destination_commit=(sent.get("destination_commit") or {}).get("hash"),
        pull_request_id=int((sent.get("pullrequest") or {}).get("id", 0)),
        **common,
    )


def _commit(repository: Repository, sent: Json) -> Commit:
    name = (sent.get("commit") or {}).get("hash", "")
    if commit := repository.refs.history.get(name):
        return commit
    raise BadTarget(f"Commit '{name}' does not exist.")
