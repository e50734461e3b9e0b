"""Looks into a repository at Bitbucket for a call that waits for it."""

from __future__ import annotations

import asyncio

from service.client import BitbucketError, NoCredential
from service.projects.detector import detect
from service.projects.model import Detection
from service.remote import NothingThere, Snapshot, read_repository
from service.web.house import House
from service.web.problems import Problem
from service.web.refusals import bitbucket_problem


async def snapshot_of(
    house: House, credential_id: int | None, name: str, branch: str | None, *, without: frozenset[str] = frozenset()
) -> Snapshot | None:
    """Raises a 409, 422 or 503 that says what Bitbucket said."""
    if credential_id is None:
        return None
    try:
        return await read_repository(await house.clients.of(credential_id, urgent=True), name, branch, without=without)
    except NothingThere as error:
        raise Problem(422, f"{error}; push first", errors=[("branch", str(error))]) from None
    except (BitbucketError, NoCredential) as error:
        raise bitbucket_problem(error) from None


async def detected(snapshot: Snapshot | None) -> Detection | None:
    return None if snapshot is None else await asyncio.to_thread(detect, snapshot.of_others, snapshot.files)
