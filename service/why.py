"""Why the last push did, or did not, deploy: in words, from what was recorded."""

from __future__ import annotations

from typing import Any

from service.clock import written
from service.machine import State
from service.store import credentials, deliveries, executions, heads, holds, repositories, work
from service.store.accounts import OPERATOR
from service.store.database import Database
from service.store.deliveries import Delivery
from service.store.executions import Execution
from service.store.heads import Head
from service.store.holds import Hold
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
        untold = await heads.found_last(connection, repository.id, ref)
        if untold is not None and found is not None and untold.at < found[0].received_at:
            untold = None
        number = untold.execution_id if untold else found[1]["execution_id"] if found else None
        execution = await executions.by_id(connection, number) if number is not None else None
        newest = await executions.newest(connection, repository.id, ref)
        about = newest if newest is not None and newest.id > (number or 0) else execution
        hold = await _hold_of(connection, about)
        troubles = await _troubles(connection, repository, about)
    lines = [_unheard(repository, ref, known=bool(pushes), ran=newest is not None)]
    if untold is not None:
        lines = _of_found(untold)
    elif found is not None:
        delivery, verdict = found
        lines = [
            f"The last push to {verdict['ref'] or name} that reached Penstock came at {written(delivery.received_at)}.",
            *_of_delivery(delivery, verdict),
            *_of_files(delivery, verdict),
        ]
    if execution is not None:
        lines += _of_execution(execution)
    if newest is not None and newest.id > (number or 0):
        lines.append("No push that was told of began what Bitbucket ran last:")
        lines += _of_execution(newest)
    return [*lines, *_of_hold(hold), *troubles]


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


def _of_found(head: Head) -> list[str]:
    """A push that was found at Bitbucket, and not delivered."""
    lines = [
        f"The last push to {head.branch} was found at Bitbucket at {written(head.at)}, with the commit"
        f" {head.commit[:12]}: no webhook has told of it."
    ]
    if head.silence:
        lines.append(f"As for the webhook: {head.silence}.")
    if head.verdict:
        lines.append(f"Verdict: {head.verdict}, because {head.reason}.")
    return lines


async def _hold_of(connection: Any, execution: Execution | None) -> Hold | None:
    if execution is None or execution.environment is None:
        return None
    return await holds.open_on(connection, execution.pipeline_id, execution.environment)


def _of_hold(hold: Hold | None) -> list[str]:
    if hold is None:
        return []
    return [
        f"{hold.environment} is held since execution {hold.execution_id}: {hold.reason}. A newer commit ends that, or a"
        " person, with `penstock hold release` or on the pipeline's page."
    ]


async def _troubles(connection: Any, repository: Repository, execution: Execution | None) -> list[str]:
    """What keeps Penstock from asking Bitbucket."""
    trouble = credentials.trouble(repository.id, await credentials.of_repository(connection, repository.id))
    if trouble is not None:
        return [f"{trouble}."]
    found = await work.troubles(connection, ("hook", "reconcile"), str(repository.id))
    if execution is not None:
        found += await work.troubles(connection, ("follow", "start"), str(execution.id))
    return [f"Penstock's last call to Bitbucket brought nothing: {one}." for one in dict.fromkeys(found)]


def _of_delivery(delivery: Delivery, verdict: dict[str, Any]) -> list[str]:
    lines = [f"Verdict: {verdict['verdict']}, because {verdict['reason']}."]
    if delivery.status == "dead":
        lines.append(f"It could not be processed; `penstock deliveries replay {delivery.id}` tries it once more.")
    return lines


def _of_files(delivery: Delivery, verdict: dict[str, Any]) -> list[str]:
    """What the same push has meant for the pipeline's files."""
    others = [one for one in delivery.verdicts if one is not verdict and one["ref"] == verdict["ref"]]
    return [f"Its configuration: {one['verdict']}, because {one['reason']}." for one in others]


def _of_execution(execution: Execution) -> list[str]:
    where = f" on {execution.environment}" if execution.environment else ""
    run = f"run #{execution.bitbucket_build_number}" if execution.bitbucket_build_number else "no run yet"
    lines = [f"Execution {execution.id}{where} ({run}, attempt {execution.attempt}) is {execution.status}."]
    if execution.error_message:
        lines.append(f"It failed: {execution.error_message}.")
        if "minutes" in execution.error_message:
            lines.append("The workspace's settings at Bitbucket, under Plan details, tell and sell build minutes.")
    if execution.waiting_on:
        lines.append(f"It waits: {execution.waiting_on}.{_who_ends_that(execution)}")
    if execution.reported_status and execution.reported_status != execution.status:
        lines.append(f"A webhook says {execution.reported_status}; Bitbucket has not confirmed it.")
    if execution.bitbucket_build_number is None and not State(execution.status).final and not execution.waiting_on:
        lines.append(f"Bitbucket has begun no run; it is given up at {written(execution.deadline_at)}.")
    return lines


def _who_ends_that(execution: Execution) -> str:
    """The next step of whoever is waited for."""
    if execution.waits_for == "approval":
        return f" Approve it on its page, or with `POST /api/executions/{execution.id}/approve`."
    if execution.waits_for == "turn":
        return " It begins by itself after that one; stopping that one lets it begin now."
    if execution.bitbucket_build_number is not None:
        return f" At Bitbucket, run #{execution.bitbucket_build_number} has the button that lets it go on."
    return ""
