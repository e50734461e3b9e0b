"""What is asked and changed of what is in a repository."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from urllib.parse import urlencode

from service.bitbucket import answers
from service.bitbucket.requests.request import ANY, Request, below, get, nested, paged, send

PULL_REQUESTS_PAGELEN = 50
LONGEST_KEY = 40  # of a commit status; Bitbucket refuses a longer one (BCLOUD-23984)


def repository(name: str) -> Request[answers.RepositoryAnswer]:
    return get(below(name), answers.RepositoryAnswer)


def source(name: str, commit: str, path: str) -> Request[bytes]:
    """A file's bytes. `commit` is a hash: a branch with a slash in its name would be read as a path."""
    return Request("GET", f"{below(name, 'src', commit)}/{nested(path)}", bytes, headers={"Accept": ANY})


def list_source(name: str, commit: str, *, max_depth: int) -> Request[answers.Page[answers.SourceEntry]]:
    query = (("max_depth", str(max_depth)), paged())
    return get(below(name, "src", commit) + "/", answers.Page[answers.SourceEntry], query)


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
    return Request("POST", below(name, "src"), NoneType, headers=headers, body=body, repeatable=False)


def branches(name: str, *, newest_first: bool = False) -> Request[answers.Page[answers.Branch]]:
    """In the order of their names, or by the dates of their newest commits."""
    order = (("sort", "-target.date"),) if newest_first else ()
    return get(below(name, "refs", "branches"), answers.Page[answers.Branch], (*order, paged()))


def branch(name: str, wanted: str) -> Request[answers.Branch]:
    return get(_branch(name, wanted), answers.Branch)


def create_branch(name: str, new: str, commit: str) -> Request[answers.Branch]:
    body = {"name": new, "target": {"hash": commit}}
    return send("POST", below(name, "refs", "branches"), answers.Branch, body, repeatable=False)


def delete_branch(name: str, wanted: str) -> Request[None]:
    return Request("DELETE", _branch(name, wanted), NoneType)


def pull_requests(name: str, *, state: str) -> Request[answers.Page[answers.PullRequest]]:
    query = (("state", state), ("pagelen", str(PULL_REQUESTS_PAGELEN)))
    return get(below(name, "pullrequests"), answers.Page[answers.PullRequest], query)


def pull_request(name: str, number: int) -> Request[answers.PullRequest]:
    return get(below(name, "pullrequests", str(number)), answers.PullRequest)


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
    return send("POST", below(name, "pullrequests"), answers.PullRequest, body, repeatable=False)


def update_pull_request(name: str, number: int, *, title: str, description: str) -> Request[answers.PullRequest]:
    body = {"title": title, "description": description}
    return send("PUT", below(name, "pullrequests", str(number)), answers.PullRequest, body)


def decline(name: str, number: int) -> Request[answers.PullRequest]:
    return send("POST", below(name, "pullrequests", str(number), "decline"), answers.PullRequest, repeatable=False)


def commits(name: str, include: str, exclude: str) -> Request[answers.Page[answers.Commit]]:
    """What `include` has and `exclude` has not, the newest first."""
    query = (("include", include), ("exclude", exclude), paged())
    return get(below(name, "commits"), answers.Page[answers.Commit], query)


def diffstat(name: str, new: str, old: str) -> Request[answers.Page[answers.DiffEntry]]:
    """What changed from `old` to `new`; `topic=false` compares the two and not `new` with their merge base."""
    query = (("topic", "false"), paged())
    return get(below(name, "diffstat", f"{new}..{old}"), answers.Page[answers.DiffEntry], query)


def set_status(
    name: str, commit: str, *, key: str, state: str, url: str, title: str, description: str, refname: str | None
) -> Request[answers.CommitStatus]:
    """The same key overwrites. Raises ValueError for a key of more than 40 characters."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise ValueError(f"the key of a commit status has 1 to {LONGEST_KEY} characters, not {len(key)}: {key!r}")
    body = {"key": key, "state": state, "url": url, "name": title, "description": description}
    if refname is not None:
        body["refname"] = refname
    return send("POST", below(name, "commit", commit, "statuses", "build"), answers.CommitStatus, body)


def _branch(name: str, wanted: str) -> str:
    return f"{below(name, 'refs', 'branches')}/{nested(wanted)}"
