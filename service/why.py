"""Why the last push did, or did not, deploy: in words, from what was recorded."""

from __future__ import annotations

from typing import Any

from service.clock import written
from service.machine import State
from service.store import deliveries, executions, repositories
from service.store.accounts import OPERATOR
from service.store.database import Database
from service.store.deliveries import Delivery
from service.store.executions import Execution
from service.store.repositories import Repository

# How many of a repository's latest pushes are looked through for the ref.
LATEST = 200


async def told(database: Database, workspace: str, slug: str, ref: str | None) -> list[str]:
    """Sentences, in the order in which things happened."""
    name = f"{workspace}/{slug}"
    async with database.read() as connection:
        repository = await repositories.named(connection, workspace.lower(), slug.lower())
        if repository is None:
            return [f"{name} is not connected: nothing that happens there reaches Penstock. Connect it first."]
        pushes = await deliveries.page(
            connection, OPERATOR, before=None, limit=LATEST, event_key="repo:push", repository_id=repository.id
        )
        found = _last_about(pushes, ref)
        number = found[1]["execution_id"] if found else None
        execution = await executions.by_id(connection, number) if number is not None else None
        newest = await executions.newest(connection, repository.id, ref)
    confirmed = repository.credential_id is not None
    lines = [_unheard(repository, ref, known=bool(pushes), ran=newest is not None)]
    if found is not None:
        delivery, verdict = found
        lines = [
            f"The last push to {verdict['ref'] or name} that reached Penstock came at {written(delivery.received_at)}.",
            *_of_delivery(delivery, verdict),
            *_of_files(delivery, verdict),
        ]
    if execution is not None:
        lines += _of_execution(execution, confirmed=confirmed)
    if newest is not None and newest.id > (number or 0):
        lines.append("No push that was told of began what Bitbucket ran last:")
        lines += _of_execution(newest, confirmed=confirmed)
    return lines


def _last_about(pushes: list[Delivery], ref: str | None) -> tuple[Delivery, dict[str, Any]] | None:
    """The newest push about the ref and what became of it; without one, the newest that an environment deploys."""
    others = None
    for delivery in pushes:
        waiting = {
            "ref": ref,
            "verdict": delivery.status,
            "reason": "it is still being processed",
            "execution_id": None,
        }
        for verdict in delivery.verdicts or [waiting]:
            if verdict["ref"] == ref or (ref is None and verdict["execution_id"] is not None):
                return delivery, verdict
            others = others or (delivery, verdict)
    return others if ref is None else None


def _unheard(repository: Repository, ref: str | None, *, known: bool, ran: bool) -> str:
    about = f"a push to {ref}" if ref else "a push"
    if known or ran:
        return f"No webhook has told of {about} among the latest pushes to {repository.full_name}."
    if repository.credential_id is not None:
        return (
            f"No webhook has ever told of {about} to {repository.full_name}, and Bitbucket lists no run of one since it"
            " was connected. `penstock doctor` looks whether the webhook is there."
        )
    return (
        f"No webhook has ever told of {about} to {repository.full_name}. Is the webhook's URL in Bitbucket, under"
        " Repository settings > Webhooks, active, and does Bitbucket reach it? A payload over 256 KB is dropped"
        " without a word."
    )


def _of_delivery(delivery: Delivery, verdict: dict[str, Any]) -> list[str]:
    lines = [f"Verdict: {verdict['verdict']}, because {verdict['reason']}."]
    if delivery.status == "dead":
        lines.append(f"It could not be processed; `penstock deliveries replay {delivery.id}` tries it once more.")
    return lines


def _of_files(delivery: Delivery, verdict: dict[str, Any]) -> list[str]:
    """What the same push has meant for the pipeline's files."""
    others = [one for one in delivery.verdicts if one is not verdict and one["ref"] == verdict["ref"]]
    return [f"Its configuration: {one['verdict']}, because {one['reason']}." for one in others]


def _of_execution(execution: Execution, *, confirmed: bool) -> list[str]:
    where = f" on {execution.environment}" if execution.environment else ""
    run = f"run #{execution.bitbucket_build_number}" if execution.bitbucket_build_number else "no run yet"
    lines = [f"Execution {execution.id}{where} ({run}, attempt {execution.attempt}) is {execution.status}."]
    if execution.error_message:
        lines.append(f"It failed: {execution.error_message}.")
    if execution.waiting_on:
        lines.append(f"It waits: {execution.waiting_on}.")
    if execution.reported_status and execution.reported_status != execution.status:
        lines.append(f"A webhook says {execution.reported_status}; Bitbucket has not confirmed it.")
    if execution.bitbucket_build_number is None and not State(execution.status).final and not execution.waiting_on:
        lines.append(f"Bitbucket has begun no run; it is given up at {written(execution.deadline_at)}.")
    if not confirmed:
        lines.append("Without a credential Penstock takes webhooks at their word and sees no steps.")
    return lines
