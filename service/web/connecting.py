"""Connects a repository: its row, its owner, its hook, the pipeline that records what it does."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from service.recorder import Record
from service.store import accounts, credentials, pipelines, repositories
from service.store.accounts import Viewer
from service.store.repositories import AlreadyConnected, Repository
from service.vault import Vault
from service.web import limits
from service.web.problems import Problem

# https://support.atlassian.com/bitbucket-cloud/docs/what-is-a-slug/
WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}\Z")
SLUG = re.compile(r"[A-Za-z0-9_.-]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class Connected:
    """A new repository. `secret` is what its webhook signs with: to be shown once."""

    repository: Repository
    hook_id: str
    secret: str = field(repr=False)


def check_name(workspace: str, slug: str) -> None:
    """Raises a 422 for what no repository can be named."""
    errors = []
    if not WORKSPACE.match(workspace):
        errors.append(("workspace", "a Bitbucket workspace id: letters, digits, - and _"))
    if not SLUG.match(slug) or set(slug) <= {"."}:
        errors.append(("slug", "a repository's slug: letters, digits, -, _ and ."))
    if errors:
        raise Problem(422, "this names no repository that Bitbucket could have", errors=errors)


async def connect_repository(
    record: Record, viewer: Viewer, vault: Vault, *, workspace: str, slug: str, credential_id: int | None
) -> Connected:
    """Raises AlreadyConnected, or a Problem for a credential that is not the viewer's or a limit that is reached."""
    connection, now = record.connection, record.now
    await require_credential(connection, viewer, credential_id)
    await limits.check(connection, limits.REPOSITORIES, viewer.user_id)
    names = {"workspace": workspace.lower(), "slug": slug.lower()}
    repository = await repositories.connect(connection, **names, uuid=None, credential_id=credential_id, now=now)
    await accounts.grant(connection, repository.id, viewer.user_id, "owner")
    hook_id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    sealed = vault.seal(secret.encode(), table="hooks", column="secret", row=hook_id)
    await repositories.add_hook(connection, hook_id, repository.id, sealed, now)
    pipeline_id = await pipelines.adopt(connection, repository.id, branch_pattern=pipelines.USUAL_BRANCHES, now=now)
    record.rights_changed()
    made = {"pipeline_id": pipeline_id, "repository_id": repository.id, "repository": repository.full_name}
    record.log("pipeline.created", made, repository_id=repository.id, pipeline_id=pipeline_id)
    if credential_id is not None:
        await begin_asking(record, repository.id)
    return Connected(repository, hook_id, secret)


async def begin_asking(record: Record, repository_id: int) -> None:
    """With a new credential: the webhook is made at Bitbucket, and what no webhook tells is looked for."""
    for kind in ("hook", "reconcile"):
        await record.work(kind, str(repository_id), {"repository_id": repository_id})


async def require_credential(connection: Any, viewer: Viewer, credential_id: int | None) -> None:
    """Raises a 422 for somebody else's, as for one that is not there."""
    if credential_id is not None and await credentials.seen_by(connection, viewer, credential_id) is None:
        told = [("credential_id", "there is no such credential")]
        raise Problem(422, "this credential cannot be used", errors=told)


async def taken(connection: Any, viewer: Viewer, known: AlreadyConnected) -> Problem:
    """Names the other one to those who may see it."""
    number = known.repository_id
    if number is None or await accounts.role_on(connection, viewer, number) is None:
        return Problem(409, f"{known}, by somebody else; ask an administrator for access")
    return Problem(409, f"{known}; disconnect it first, or use that one", existing_repository_id=number)
