"""What is asked about runs, and how they are started and stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any

from service.bitbucket import answers
from service.bitbucket.requests.assignment import Assignment, assigned, secrets_of
from service.bitbucket.requests.request import ANY, JSON, Request, below, get, paged, send


def runs(
    name: str, *, sort: str, commit: str | None = None, branch: str | None = None, status: str | None = None
) -> Request[answers.Page[answers.Run]]:
    """A filter that Bitbucket does not know is ignored without a word, so these are the documented ones."""
    filters = {"target.commit.hash": commit, "target.branch": branch, "status": status}
    asked = tuple((key, value) for key, value in filters.items() if value is not None)
    return get(below(name, "pipelines"), answers.Page[answers.Run], (("sort", sort), *asked, paged()))


def run(name: str, number_or_uuid: int | str) -> Request[answers.Run]:
    """By build number it is undocumented, and has worked for years."""
    return get(below(name, "pipelines", str(number_or_uuid)), answers.Run)


def steps(name: str, run_uuid: str) -> Request[answers.Page[answers.Step]]:
    return get(below(name, "pipelines", run_uuid, "steps"), answers.Page[answers.Step], (paged(),))


def log(name: str, run_uuid: str, step_uuid: str, *, offset: int, limit: int) -> Request[bytes]:
    """`limit` bytes from `offset` on, as a range (RFC 9110, 14.2)."""
    headers = {"Accept": ANY, "Range": f"bytes={offset}-{offset + limit - 1}"}
    return Request("GET", below(name, "pipelines", run_uuid, "steps", step_uuid, "log"), bytes, headers=headers)


def start_run(
    name: str,
    *,
    branch: str | None,
    commit: str | None,
    custom: str | None,
    variables: Sequence[Assignment],
) -> Request[answers.Run]:
    body: dict[str, Any] = {"target": _target(branch, commit, custom)}
    if variables:
        body["variables"] = [assigned(one) for one in variables]
    return send("POST", below(name, "pipelines"), answers.Run, body, repeatable=False, secrets=secrets_of(variables))


def start_on_demand(
    name: str,
    yaml: str,
    *,
    branch: str | None,
    commit: str | None,
    custom: str | None,
    variables: Sequence[Assignment],
) -> Request[answers.Run]:
    """Runs `yaml` once in place of the repository's file; target and variables travel in the query."""
    query = tuple(_flattened("target", _target(branch, commit, custom)))
    for place, one in enumerate(variables):
        query += tuple((f"variables[{place}].{key}", _word(value)) for key, value in assigned(one).items())
    return Request(
        "POST",
        below(name, "pipelines"),
        answers.Run,
        query,
        {"Accept": JSON, "Content-Type": "application/yaml"},
        yaml.encode(),
        repeatable=False,
        secrets=secrets_of(variables),
    )


def stop_run(name: str, run_uuid: str) -> Request[None]:
    return send("POST", below(name, "pipelines", run_uuid, "stopPipeline"), NoneType)


def _target(branch: str | None, commit: str | None, custom: str | None) -> dict[str, Any]:
    """A branch, a commit on it, or a bare commit. Raises ValueError where neither is given."""
    if branch is None and commit is None:
        raise ValueError("a run needs a branch or a commit to start from")
    target: dict[str, Any] = {"type": "pipeline_commit_target"}
    if branch is not None:
        target = {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": branch}
    if commit is not None:
        target["commit"] = {"type": "commit", "hash": commit}
    if custom is not None:
        target["selector"] = {"type": "custom", "pattern": custom}
    return target


def _flattened(prefix: str, nested: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flattened(f"{prefix}.{key}", value)
        elif not (prefix.endswith("commit") and key == "type"):  # the query names the commit by its hash alone
            yield f"{prefix}.{key}", _word(value)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
