"""The shapes in which config revisions are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service.generation import changed_files, summary
from service.store.revisions import Revision


class RevisionShape(msgspec.Struct, frozen=True, kw_only=True):
    """A config revision as lists show it. `delivery` is the pipeline's policy, or waiting_confirmation: a person has to
    confirm it first. `delivered` is waiting, delivered, failed, declined, superseded, or none: a person delivers it.
    `changes` says in sentences what was decided anew, `problem` why it could not be delivered.
    """

    revision: int
    commit: str | None
    changed_files: list[str]
    diff_summary: str
    delivery: str
    delivered: str
    pull_request_url: str | None
    changes: list[str]
    problem: str | None
    created_at: datetime


class DecisionShape(msgspec.Struct, frozen=True, kw_only=True):
    """One choice with its reason, and what changes it."""

    name: str
    value: str
    why: str
    override: str


class ConflictShape(msgspec.Struct, frozen=True, kw_only=True):
    """A place at which an edit in the repository stands against the revision: `yours` stays, `ours` is not written."""

    path: str
    where: str
    why: str
    yours: str | None
    ours: str | None


class RevisionDetail(RevisionShape, frozen=True, kw_only=True):
    """A config revision with its diff against the one before, why it is as it is, and its files."""

    diff: str
    decisions: list[DecisionShape]
    detection: dict[str, Any] | None
    conflicts: list[ConflictShape]
    files: dict[str, str]


class RegeneratedShape(RevisionDetail, frozen=True, kw_only=True):
    """The revision after a new look at the repository. Unless `changed`, it is the one that was there."""

    changed: bool


def revision_shape(revision: Revision) -> RevisionShape:
    return RevisionShape(**_of_revision(revision))


def revision_detail(revision: Revision) -> RevisionDetail:
    return RevisionDetail(
        **_of_revision(revision),
        diff=revision.diff,
        decisions=[DecisionShape(**decision) for decision in revision.decisions],
        detection=revision.detection,
        conflicts=[ConflictShape(**one) for one in revision.conflicts or ()],
        files=revision.files,
    )


def _of_revision(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "commit": revision.commit,
        "changed_files": changed_files(revision.diff),
        "diff_summary": summary(revision.diff),
        "delivery": revision.delivery,
        "delivered": revision.delivered,
        "pull_request_url": revision.pull_request_url,
        "changes": revision.changes or [],
        "problem": revision.problem,
        "created_at": revision.created_at,
    }
