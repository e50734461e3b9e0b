"""What is asked of Bitbucket's REST API: one function per question, each giving a value that somebody else sends.

A repository is named by `workspace/slug`, by uuids in either place, or by its own uuid alone. Paths lie below the base
URL and are encoded whole, the braces of uuids included: without them Bitbucket answers 404.

https://developer.atlassian.com/cloud/bitbucket/rest/ (OpenAPI document of 2026-08)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from service.bitbucket import answers

T = TypeVar("T")

PAGELEN = 100
PULL_REQUESTS_PAGELEN = 50
LONGEST_KEY = 40  # of a commit status; Bitbucket refuses a longer one (BCLOUD-23984)

JSON = "application/json"
ANY = "*/*"  # a log asked for as JSON is a 406

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call. `expect` is the type of its answer: a struct, bytes as they come, or None where nothing is read.

    `repeatable` says that sending it twice does what sending it once does. `secrets` are values in it that no message
    may repeat.
    """

    method: str
    path: str
    expect: type[T]
    query: Query = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable to be set: for one run, in a repository, or in a deployment environment."""

    key: str
    value: str = field(repr=False)
    secured: bool = False


def repository(name: str) -> Request[answers.RepositoryAnswer]:
    return _get(_of(name), answers.RepositoryAnswer)


def runs(
    name: str, *, sort: str, commit: str | None = None, branch: str | None = None, status: str | None = None
) -> Request[answers.Page[answers.Run]]:
    """A filter that Bitbucket does not know is ignored without a word, so these are the documented ones."""
    filters = {"target.commit.hash": commit, "target.branch": branch, "status": status}
    asked = tuple((key, value) for key, value in filters.items() if value is not None)
    return _get(_of(name, "pipelines"), answers.Page[answers.Run], (("sort", sort), *asked, _pagelen()))


def run(name: str, number_or_uuid: int | str) -> Request[answers.Run]:
    """By build number it is undocumented, and has worked for years."""
    return _get(_of(name, "pipelines", str(number_or_uuid)), answers.Run)


def steps(name: str, run_uuid: str) -> Request[answers.Page[answers.Step]]:
    return _get(_of(name, "pipelines", run_uuid, "steps"), answers.Page[answers.Step], (_pagelen(),))


def log(name: str, run_uuid: str, step_uuid: str, *, offset: int, limit: int) -> Request[bytes]:
    """`limit` bytes from `offset` on, as a range (RFC 9110, 14.2)."""
    headers = {"Accept": ANY, "Range": f"bytes={offset}-{offset + limit - 1}"}
    return Request("GET", _of(name, "pipelines", run_uuid, "steps", step_uuid, "log"), bytes, headers=headers)


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
        body["variables"] = [_assigned(one) for one in variables]
    return _send("POST", _of(name, "pipelines"), answers.Run, body, repeatable=False, secrets=_secrets(variables))


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
        query += tuple((f"variables[{place}].{key}", _word(value)) for key, value in _assigned(one).items())
    return Request(
        "POST",
        _of(name, "pipelines"),
        answers.Run,
        query,
        {"Accept": JSON, "Content-Type": "application/yaml"},
        yaml.encode(),
        repeatable=False,
        secrets=_secrets(variables),
    )


def stop_run(name: str, run_uuid: str) -> Request[None]:
    return _send("POST", _of(name, "pipelines", run_uuid, "stopPipeline"), NoneType)


def pipelines_config(name: str) -> Request[answers.PipelinesConfig]:
    return _get(_of(name, "pipelines_config"), answers.PipelinesConfig)


def enable_pipelines(name: str) -> Request[answers.PipelinesConfig]:
    return _send("PUT", _of(name, "pipelines_config"), answers.PipelinesConfig, {"enabled": True})


def variables(name: str, environment: str | None) -> Request[answers.Page[answers.Variable]]:
    return _get(_variables(name, environment), answers.Page[answers.Variable], (_pagelen(),))


def create_variable(name: str, one: Assignment, environment: str | None) -> Request[answers.Variable]:
    path = _variables(name, environment)
    return _send("POST", path, answers.Variable, _assigned(one), repeatable=False, secrets=_secrets([one]))


def update_variable(name: str, uuid: str, one: Assignment, environment: str | None) -> Request[answers.Variable]:
    """Key, value and secured travel together: the value of a secured variable cannot be kept by leaving it out."""
    path = _variables(name, environment, uuid)
    return _send("PUT", path, answers.Variable, _assigned(one), secrets=_secrets([one]))


def delete_variable(name: str, uuid: str, environment: str | None) -> Request[None]:
    return Request("DELETE", _variables(name, environment, uuid), NoneType)


def environments(name: str) -> Request[answers.Page[answers.Environment]]:
    return _get(_of(name, "environments"), answers.Page[answers.Environment], (_pagelen(),))


def create_environment(name: str, environment: str, kind: str) -> Request[answers.Environment]:
    """`kind` is Test, Staging or Production."""
    body = {"name": environment, "environment_type": {"name": kind}}
    return _send("POST", _of(name, "environments"), answers.Environment, body, repeatable=False)


def deployments(name: str) -> Request[answers.Page[answers.Deployment]]:
    return _get(_of(name, "deployments"), answers.Page[answers.Deployment], (_pagelen(),))


def hooks(name: str) -> Request[answers.Page[answers.Hook]]:
    return _get(_of(name, "hooks"), answers.Page[answers.Hook], (_pagelen(),))


def create_hook(name: str, *, url: str, events: Iterable[str], secret: str, description: str) -> Request[answers.Hook]:
    body = {"description": description, "url": url, "active": True, "events": sorted(events), "secret": secret}
    return _send("POST", _of(name, "hooks"), answers.Hook, body, repeatable=False, secrets=(secret,))


def update_hook(
    name: str, uuid: str, *, url: str, events: Iterable[str], secret: str | None, description: str, active: bool
) -> Request[answers.Hook]:
    """Without a `secret` the one that Bitbucket has stays."""
    body: dict[str, Any] = {"description": description, "url": url, "active": active, "events": sorted(events)}
    if secret is not None:
        body["secret"] = secret
    return _send("PUT", _of(name, "hooks", uuid), answers.Hook, body, secrets=(secret,) if secret else ())


def delete_hook(name: str, uuid: str) -> Request[None]:
    return Request("DELETE", _of(name, "hooks", uuid), NoneType)


def source(name: str, commit: str, path: str) -> Request[bytes]:
    """A file's bytes. `commit` is a hash: a branch with a slash in its name would be read as a path."""
    return Request("GET", _of(name, "src", commit) + "/" + quote(path.strip("/")), bytes, headers={"Accept": ANY})


def list_source(name: str, commit: str, *, max_depth: int) -> Request[answers.Page[answers.SourceEntry]]:
    query = (("max_depth", str(max_depth)), _pagelen())
    return _get(_of(name, "src", commit) + "/", answers.Page[answers.SourceEntry], query)


def write_source(
    name: str, files: Mapping[str, str | None], *, message: str, branch: str, parent: str
) -> Request[None]:
    """A commit of the files, None for one to be removed. Unless `parent` is the branch's head, Bitbucket says 409."""
    fields = [("message", message), ("branch", branch), ("parents", parent)]
    for path, text in files.items():
        absolute = "/" + path.lstrip("/")  # without the slash a file named `message` would be the message
        fields.append(("files", absolute) if text is None else (absolute, text))
    headers = {"Accept": ANY, "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields).encode()
    return Request("POST", _of(name, "src"), NoneType, headers=headers, body=body, repeatable=False)


def branches(name: str) -> Request[answers.Page[answers.Branch]]:
    return _get(_of(name, "refs", "branches"), answers.Page[answers.Branch], (_pagelen(),))


def branch(name: str, wanted: str) -> Request[answers.Branch]:
    return _get(_branch(name, wanted), answers.Branch)


def create_branch(name: str, new: str, commit: str) -> Request[answers.Branch]:
    body = {"name": new, "target": {"hash": commit}}
    return _send("POST", _of(name, "refs", "branches"), answers.Branch, body, repeatable=False)


def delete_branch(name: str, wanted: str) -> Request[None]:
    return Request("DELETE", _branch(name, wanted), NoneType)


def pull_requests(name: str, *, state: str) -> Request[answers.Page[answers.PullRequest]]:
    query = (("state", state), ("pagelen", str(PULL_REQUESTS_PAGELEN)))
    return _get(_of(name, "pullrequests"), answers.Page[answers.PullRequest], query)


def create_pull_request(
    name: str, *, title: str, description: str, source: str, destination: str
) -> Request[answers.PullRequest]:
    body = {
        "title": title,
        "description": description,
        "source": {"branch": {"name": source}},
        "destination": {"branch": {"name": destination}},
        "close_source_branch": True,
    }
    return _send("POST", _of(name, "pullrequests"), answers.PullRequest, body, repeatable=False)


def update_pull_request(name: str, number: int, *, title: str, description: str) -> Request[answers.PullRequest]:
    body = {"title": title, "description": description}
    return _send("PUT", _of(name, "pullrequests", str(number)), answers.PullRequest, body)


def decline(name: str, number: int) -> Request[answers.PullRequest]:
    return _send("POST", _of(name, "pullrequests", str(number), "decline"), answers.PullRequest, repeatable=False)


def diffstat(name: str, new: str, old: str) -> Request[answers.Page[answers.DiffEntry]]:
    """What changed from `old` to `new`; `topic=false` compares the two and not `new` with their merge base."""
    spec = f"{quote(new, safe='')}..{quote(old, safe='')}"
    query = (("topic", "false"), _pagelen())
    return _get(_of(name, "diffstat") + f"/{spec}", answers.Page[answers.DiffEntry], query)


def set_status(
    name: str, commit: str, *, key: str, state: str, url: str, title: str, description: str, refname: str | None
) -> Request[answers.CommitStatus]:
    """The same key overwrites. Raises ValueError for a key of more than 40 characters."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise ValueError(f"the key of a commit status has 1 to {LONGEST_KEY} characters, not {len(key)}: {key!r}")
    body = {"key": key, "state": state, "url": url, "name": title, "description": description}
    if refname is not None:
        body["refname"] = refname
    return _send("POST", _of(name, "commit", commit, "statuses", "build"), answers.CommitStatus, body)


def access_token() -> Request[answers.AccessToken]:
    """A token for an OAuth consumer: below the site, not below the base."""
    headers = {"Accept": JSON, "Content-Type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials"
    return Request("POST", "/site/oauth2/access_token", answers.AccessToken, headers=headers, body=body)


def path_of(name: str) -> str:
    """The path of a repository. A uuid alone stands behind an empty workspace, as the introduction to the API says."""
    workspace, slash, slug = name.partition("/")
    if not slash:
        workspace, slug = "{}", name
    if not workspace or not slug or "/" in slug or slug in (".", ".."):
        raise ValueError(f"a repository is named by workspace/slug or by its uuid in braces, not {name!r}")
    return f"/repositories/{quote(workspace, safe='')}/{quote(slug, safe='')}"


def _of(name: str, *parts: str) -> str:
    return "/".join((path_of(name), *(quote(part, safe="") for part in parts)))


def _branch(name: str, wanted: str) -> str:
    return _of(name, "refs", "branches") + "/" + quote(wanted)


def _variables(name: str, environment: str | None, *uuid: str) -> str:
    if environment is None:
        return _of(name, "pipelines_config", "variables", *uuid)
    return _of(name, "deployments_config", "environments", environment, "variables", *uuid)


def _get(path: str, expect: type[T], query: Query = ()) -> Request[T]:
    return Request("GET", path, expect, query, {"Accept": JSON})


def _send(
    method: str, path: str, expect: type[T], body: Any = None, *, repeatable: bool = True, secrets: tuple[str, ...] = ()
) -> Request[T]:
    encoded = None if body is None else msgspec.json.encode(body)
    headers = {"Accept": JSON} | ({} if body is None else {"Content-Type": JSON})
    return Request(method, path, expect, (), headers, encoded, repeatable, secrets)


def _pagelen() -> tuple[str, str]:
    return "pagelen", str(PAGELEN)


def _assigned(one: Assignment) -> dict[str, Any]:
    return {"key": one.key, "value": one.value, "secured": one.secured}


def _secrets(variables: Iterable[Assignment]) -> tuple[str, ...]:
    return tuple(one.value for one in variables if one.secured and one.value)


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
