"""Commit statuses: which of them Pipelines wrote for one of its runs, which somebody else wrote.

Only the URL tells: the status's key is a hash of the ref's name and its name is free text. Anybody who can read the
repository can post a status, so what it says is a hint until the API confirms it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from service.bitbucket.reading import Node
from service.events import Event, ForeignStatus, RunReported

STATES = frozenset({"INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"})

# The old form of the pipelines page, the new one, and the page of a step under either. Matched whole and on the raw
# text, so that no other scheme, port, user or host can pass as Bitbucket's.
RUN_URL = re.compile(
    r"https://bitbucket\.org/(?P<workspace>[^/?#\\\s]+)/(?P<slug>[^/?#\\\s]+)"
    r"/(?:addon/pipelines/home#!/results|pipelines/results)/(?P<number>[0-9]+)"
    r"(?:/(?:steps|runs)/[^?#\\\s]+)?/?"
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run's URL says. The workspace and the slug may be uuids in braces instead of names."""

    workspace: str
    slug: str
    number: int


def run_of(url: str) -> Run | None:
    """The run that `url` shows, or None where it is not the address of one. Raises Unexpected for an absurd number."""
    match = RUN_URL.fullmatch(url)
    if match is None:
        return None
    number = Node(match["number"], "the run's number in the URL").required_number()
    return Run(unquote(match["workspace"]), unquote(match["slug"]), number)


def status_event(body: Node) -> Event:
    """Raises Unexpected if it is a run's status, yet its state, number or commit cannot be read."""
    status = body.at("commit_status").required_object()
    repository = body.at("repository") if body.at("repository").value else status.at("repository")
    uuid, ref, url = repository.at("uuid").uuid(), status.at("refname").text(), status.at("url").text() or ""
    run = run_of(url)
    if run is None or not _belongs(run, repository):
        name = status.at("name").text() or status.at("key").text() or ""
        return ForeignStatus(uuid, ref, name=name, commit=status.at("commit", "hash").hash())
    return RunReported(
        uuid,
        ref,
        build_number=run.number,
        commit=_commit(status),
        state=_state(status.at("state")),
        at=status.at("updated_on").time() or status.at("created_on").time(),
        url=url,
    )


def _belongs(run: Run, repository: Node) -> bool:
    """Whether the URL is of this repository, as far as both name it: by its full name, or by its uuid."""
    if run.slug.startswith("{"):
        uuid = repository.at("uuid").uuid()
        return uuid is None or run.slug.lower() == uuid
    workspace, _, slug = (repository.at("full_name").full_name() or "").lower().partition("/")
    of_workspace = run.workspace.startswith("{") or run.workspace.lower() == workspace
    return not slug or (of_workspace and run.slug.lower() == slug)


def _state(state: Node) -> str:
    if isinstance(state.value, str) and state.value in STATES:
        return state.value
    raise state.unexpected(f"one of {', '.join(sorted(STATES))}")


def _commit(status: Node) -> str | None:
    """The commit's hash; in older deliveries it stands in the commit's link alone."""
    commit = status.at("commit", "hash")
    if commit.value is not None:
        return commit.required_hash()
    link = status.at("links", "commit", "href").text() or ""
    return Node(link.rpartition("/")[2]).hash()
