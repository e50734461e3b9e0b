"""Files over REST: read, listed, committed."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from service.simulator.actors import MAYA
from service.simulator.commits import Commit
from service.simulator.repository import Repository
from service.simulator.rest.answers import ApiError, answer, not_found, number_of, page
from service.simulator.rest.forms import Form, read_form
from service.simulator.shapes import commits
from service.simulator.shapes.people import Json, links

META_FIELDS = frozenset({"message", "author", "branch", "parents", "files"})


async def read_root(request: Request, repository: Repository) -> Response:
    """`…/src`: the root of the main branch."""
    return _directory(request, repository, repository.head(), "")


async def read_source(request: Request, repository: Repository) -> Response:
    """A file's bytes, `?format=meta` of it, or a page of a directory; a branch with a slash in its name is a 404."""
    name, path = request.path_params["commit"], request.path_params.get("path", "").strip("/")
    commit = repository.refs.resolve(name)
    if commit is None:
        raise not_found(f"Commit not found: {name}")
    if path not in commit.files:
        return _directory(request, repository, commit, path)
    if request.query_params.get("format") == "meta":
        return answer(request, _file(repository, commit, path))
    content = commit.files[path]
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    disposition = f'attachment; filename="{quote(path.rsplit("/", 1)[-1])}"'
    return Response(content, headers={"ETag": etag, "Content-Type": "text/plain", "Content-Disposition": disposition})


async def write_source(request: Request, repository: Repository) -> Response:
    """Commit the sent files. `parents` is a compare-and-swap: 409 unless it names the branch's head."""
    form = await read_form(request)
    branch = form.value("branch") or repository.refs.main
    head = repository.refs.branches.get(branch)
    parent = _parent(repository, form, head)
    author = form.value("author")
    commit = repository.refs.commit(parent, _sent_files(form), form.value("message") or "Edited", author or MAYA)
    change = repository.refs.set_branch(branch, commit)
    repository.cloud.spawn(repository.pushed([change], MAYA))
    where = f"{repository.api}/commit/{commit.hash}"
    return Response(status_code=201, headers={"Location": where})


def _parent(repository: Repository, form: Form, head: Commit | None) -> Commit:
    """The head of the branch; of a new branch, what `parents` says, else the main branch's head."""
    asked = form.value("parents")
    if not asked:
        return head or repository.head()
    named = repository.refs.history.get(asked)
    if named is None:
        raise ApiError(400, f"Commit not found: {asked}")
    if head and named != head:
        raise ApiError(409, f"The branch's head is {head.hash[:12]}, not {asked[:12]}.")
    return named


def _sent_files(form: Form) -> dict[str, bytes | None]:
    """Paths to contents; a path named in `files` without a content of its own is deleted."""
    written: dict[str, bytes | None] = {}
    for name, content in form.fields:
        if name not in META_FIELDS:
            written[name.lstrip("/")] = content
    for name, content in form.fields:
        if name == "files":
            written.setdefault(content.decode().lstrip("/"), None)
    return written


def _directory(request: Request, repository: Repository, commit: Commit, path: str) -> Response:
    """Directories, then files, down to `max_depth` levels (1)."""
    prefix = f"{path}/" if path else ""
    inside = [name for name in commit.files if name.startswith(prefix)]
    if not inside and path:
        raise not_found(f"No such file or directory: {path}")
    depth = number_of(request, "max_depth", 1)
    directories: set[str] = set()
    files: list[str] = []
    for name in inside:
        parts = name.removeprefix(prefix).split("/")
        directories |= {prefix + "/".join(parts[:level]) for level in range(1, min(len(parts) - 1, depth) + 1)}
        files += [name] if len(parts) <= depth else []
    entries = [(name, True) for name in sorted(directories)] + [(name, False) for name in sorted(files)]

    def shape(entry: tuple[str, bool]) -> Json:
        name, is_directory = entry
        return _listed(repository, commit, name) if is_directory else _file(repository, commit, name)

    return page(request, entries, shape)


def _listed(repository: Repository, commit: Commit, path: str) -> Json:
    where = f"{repository.api}/src/{commit.hash}/{quote(path)}/"
    return {
        "path": path,
        "type": "commit_directory",
        "links": links(self=where, meta=f"{where}?format=meta"),
        "commit": commits.named(repository, commit.hash),
    }


def _file(repository: Repository, commit: Commit, path: str) -> Json:
    escaped = quote(path)
    where = f"{repository.api}/src/{commit.hash}/{escaped}"
    return {
        "path": path,
        "commit": commits.named(repository, commit.hash),
        "type": "commit_file",
        "attributes": [],
        "escaped_path": escaped,
        "size": len(commit.files[path]),
        "mimetype": None,
        "links": links(
            self=where,
            meta=f"{where}?format=meta",
            history=f"{repository.api}/filehistory/{commit.hash}/{escaped}",
        ),
    }
