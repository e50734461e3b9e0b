"""The repository itself changed: it is known by its uuid, so its pipeline and its history follow."""

from __future__ import annotations

from handlers.desk import Desk, Handlers, Verdict, Word
from service.changes import end_pipeline
from service.events import RepositoryChanged, RepositoryDeleted, RepositoryMoved, RepositoryRenamed
from service.store import repositories

router = Handlers()


@router.on(RepositoryRenamed, RepositoryMoved)
async def follow_the_name(event: RepositoryRenamed | RepositoryMoved, desk: Desk) -> Verdict:
    workspace, _, slug = event.full_name.lower().partition("/")  # as they are written when they are connected
    if not workspace or not slug:
        return Verdict(Word.FAILED, f"{event.full_name!r} is no workspace/slug")
    known = desk.repository
    if (workspace, slug) == (known.workspace, known.slug):
        return Verdict(Word.UNCHANGED, f"it is known as {known.full_name} already")
    if not await repositories.rename(desk.record.connection, known.id, workspace, slug):
        return Verdict(Word.REFUSED, f"another connected repository is named {event.full_name}")
    pipeline = desk.pipeline
    if pipeline is not None:
        named = {"pipeline_id": pipeline.id, "repository": event.full_name, "previously": known.full_name}
        desk.record.log("pipeline.updated", named, repository_id=known.id, pipeline_id=pipeline.id)
    return Verdict(Word.RENAMED, f"{known.full_name} is {event.full_name} now")


@router.on(RepositoryChanged)
async def note_a_change(event: RepositoryChanged, desk: Desk) -> Verdict:
    return Verdict(Word.UNCHANGED, f"nothing here depends on {', '.join(event.fields) or 'what changed'}")


@router.on(RepositoryDeleted)
async def deactivate(event: RepositoryDeleted, desk: Desk) -> Verdict:
    if desk.pipeline is None:
        return Verdict(Word.UNCHANGED, "its pipeline was not active")
    if desk.repository.credential_id is not None:
        asked = {"repository_id": desk.repository.id, "delivery_id": desk.delivery_id}
        await desk.record.work("gone", str(desk.repository.id), asked)
        return Verdict(Word.REPORTED, "the repository is said to be deleted; Bitbucket is asked")
    await end_pipeline(desk.record, desk.repository.id)
    return Verdict(Word.DEACTIVATED, "the repository was deleted at Bitbucket; its history stays readable")
