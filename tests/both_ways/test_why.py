"""Every silent cause has its words: `penstock why` names it, and what to do next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service import why
from service.bitbucket.webhook import EVENTS
from service.history import Patience
from service.recorder import Recorder
from service.simulator.pushing import Update
from service.store import holds
from service.web.pages.connect import SCOPES
from service.workers.inbox import InboxWorker
from tests.both_ways.conftest import TOKEN
from tests.both_ways.test_reconciling import SECONDS
from tests.both_ways.test_surveying import Watched, watched

__all__ = ["watched"]

pytestmark = pytest.mark.anyio

OTHER_BRANCHES = "pipelines: {branches: {develop: [{step: {script: [a]}}], 'release/*': [{step: {script: [a]}}]}}"


async def hooked(case: Watched, **wrong: Any) -> None:
    """The webhook as Penstock makes it, but for what is `wrong`."""
    url = (await case.penstock.get(f"/api/repositories/{case.repository_id}"))["webhook"]["url"]
    case.shop.hook(**{"url": url, "secret": "another secret", "events": EVENTS, **wrong})


async def pushed(case: Watched, **files: str) -> None:
    """And found, since nothing that is delivered arrives."""
    await case.shop.push("main", {"a.txt": "1", **files})
    await case.two_looks()


async def a_webhook_is_missing(case: Watched) -> None:
    await pushed(case)


async def a_webhook_is_disabled(case: Watched) -> None:
    await hooked(case, active=False)
    await pushed(case)


async def a_webhook_goes_elsewhere(case: Watched) -> None:
    await hooked(case)
    case.shop.hooks[0].url = case.shop.hooks[0].url.replace("127.0.0.1", "old.example.com")
    await pushed(case)


async def a_webhook_lacks_an_event(case: Watched) -> None:
    await hooked(case, events=[event for event in EVENTS if event != "repo:push"])
    await pushed(case)


async def a_webhook_is_unsigned(case: Watched) -> None:
    await hooked(case, secret="")
    await pushed(case)


async def a_delivery_is_refused_by_its_signature(case: Watched) -> None:
    case.bitbucket.delivery_faults.lose(0.0, seed=1)
    await hooked(case)
    await pushed(case)
    assert {answer for one in case.bitbucket.deliveries for answer in one.outcomes} == {401}


async def pipelines_is_switched_off(case: Watched) -> None:
    case.shop.pipelines_enabled = False
    await pushed(case)
    await case.rounds.round(SECONDS * 10)


async def the_commit_has_no_file(case: Watched) -> None:
    await case.shop.push("main", {"bitbucket-pipelines.yml": None})
    await case.two_looks()
    await case.rounds.round(SECONDS * 10)


async def the_file_has_nothing_for_the_branch(case: Watched) -> None:
    await pushed(case, **{"bitbucket-pipelines.yml": OTHER_BRANCHES})
    await case.rounds.round(SECONDS * 10)


async def the_file_cannot_be_read(case: Watched) -> None:
    await pushed(case, **{"bitbucket-pipelines.yml": "pipelines: ["})
    await case.rounds.round(SECONDS * 10)


async def all_that_can_be_seen_is_right(case: Watched) -> None:
    await pushed(case)
    await case.rounds.round(SECONDS * 10)


async def the_token_is_no_administrators(case: Watched) -> None:
    case.bitbucket.credentials.add_token(TOKEN, frozenset(scope for scope, _ in SCOPES))
    await pushed(case)
    await case.rounds.round(SECONDS * 10)


async def the_message_skips_it(case: Watched) -> None:
    await case.shop.push("main", {"a.txt": "1"}, message="Mend a word [skip ci]")
    await case.two_looks()


async def no_environment_deploys_it(case: Watched) -> None:
    await case.shop.push("wild-idea", {"a.txt": "1"})
    await case.two_looks()


async def the_minutes_are_used_up(case: Watched) -> None:
    run = case.shop.queue_run("main")
    await run.finish("ERROR", error="Your account has used all of its build minutes for the month.")
    await case.two_looks()


async def a_step_waits_for_a_person(case: Watched) -> None:
    run = await case.shop.start_run("main")
    await run.pause()
    await case.two_looks()


async def it_waits_for_an_approval(case: Watched) -> None:
    await environment(case, requires_approval=True)
    await triggered(case)


async def it_waits_for_its_turn(case: Watched) -> None:
    await environment(case, when_busy="queue")
    await triggered(case)
    await triggered(case)


async def the_environment_is_held(case: Watched) -> None:
    run = await case.shop.start_run("main")
    await run.finish("FAILED")
    await case.two_looks()
    [execution] = await case.executions()
    async with case.penstock.house.recorder.record() as record:
        about = {"pipeline_id": case.pipeline_id, "environment": "production", "execution_id": execution["id"]}
        told = {"reason": "its health check failed", "since": record.now, "commit": execution["bitbucket_commit_hash"]}
        await holds.add(record.connection, **about, **told)


async def the_credential_is_refused(case: Watched) -> None:
    case.bitbucket.credentials.add_token("quite another token")
    await case.rounds.round(SECONDS * 10)


async def the_credential_lacks_a_scope(case: Watched) -> None:
    case.bitbucket.credentials.add_token(TOKEN, frozenset({"repository", "webhook"}))
    await case.rounds.round(SECONDS * 10)


async def environment(case: Watched, **values: Any) -> None:
    path = f"/api/pipelines/{case.pipeline_id}/environments/production"
    answer = await case.penstock.client.put(path, json=values)
    assert answer.status_code == 200, answer.text


async def triggered(case: Watched) -> None:
    path = f"/api/pipelines/{case.pipeline_id}/trigger"
    answer = await case.penstock.client.post(path, json={"branch": "main"})
    assert answer.status_code == 202, answer.text


# What is the matter → the ref that is asked about, and what the answer says: the cause, and the next step.
CAUSES: dict[Callable[[Watched], Awaitable[None]], tuple[str | None, tuple[str, ...]]] = {
    a_webhook_is_missing: ("main", ("no webhook has told of it", "was missing at Bitbucket; it is made anew")),
    a_webhook_is_disabled: ("main", ("was inactive; it is put right",)),
    a_webhook_goes_elsewhere: ("main", ("was for http://old.example.com:", "it is put right")),
    a_webhook_lacks_an_event: ("main", ("was without repo:push; it is put right",)),
    a_webhook_is_unsigned: ("main", ("was without a secret; it is put right",)),
    a_delivery_is_refused_by_its_signature: ("main", ("refused because its secret", "the secret is set anew")),
    pipelines_is_switched_off: ("main", ("Pipelines is switched off", "enable it in the repository's settings")),
    the_commit_has_no_file: ("main", ("the commit has no bitbucket-pipelines.yml", "generate one, or add it")),
    the_file_has_nothing_for_the_branch: (
        "main",
        ("has no pipeline for main (for branches only develop, release/*)", "add one under `branches`, or a `default`"),
    ),
    the_file_cannot_be_read: ("main", ("is not one that Bitbucket can read", "editor for it says where")),
    all_that_can_be_seen_is_right: ("main", ("build minutes left (its settings > Plan details)?",)),
    the_token_is_no_administrators: (
        "main",
        ("is Pipelines switched on there, and has the workspace build minutes left",),
    ),
    the_message_skips_it: ("main", ("[skip ci]",)),
    no_environment_deploys_it: ("wild-idea", ("no environment deploys wild-idea",)),
    the_minutes_are_used_up: (None, ("has used all of its build minutes", "tell and sell build minutes")),
    a_step_waits_for_a_person: (None, ("It waits: another deployment, or a manual step.", "has the button")),
    it_waits_for_an_approval: (None, ("It waits: approval.", "Approve it on its page")),
    it_waits_for_its_turn: (None, ("which deploys to production", "It begins by itself after that one")),
    the_environment_is_held: (None, ("production is held since", "its health check failed", "`penstock hold release`")),
    the_credential_is_refused: (None, ("Bitbucket cannot be asked", "make a new token and connect that")),
    the_credential_lacks_a_scope: (None, ("lacks a scope of pipeline", "make a token with these scopes")),
}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__.replace("_", " "))
async def test_why_names_the_cause_and_the_next_step(
    watched: Watched, cause: Callable[[Watched], Awaitable[None]]
) -> None:
    ref, words = CAUSES[cause]
    await cause(watched)

    told = "\n".join(await why.told(watched.penstock.house.database, "acme", "till", ref))

    assert [word for word in words if word not in told] == [], told
    assert TOKEN not in told


async def test_a_push_of_too_many_refs_that_was_delivered_says_so(watched: Watched) -> None:
    case = watched
    recorder = Recorder(case.penstock.house.database, case.penstock.house.recorder.bus, lambda: case.rounds.now)
    case.bitbucket.delivery_faults.lose(0.0, seed=1)
    secret = (await case.penstock.client.post(f"/api/repositories/{case.repository_id}/rotate-secret")).json()
    await hooked(case, url=secret["webhook"]["url"], secret=secret["webhook"]["secret"])
    await case.shop.push_refs(*[Update(f"b{n}", {"a.txt": "1"}) for n in range(5)], Update("main", {"a.txt": "1"}))
    while await InboxWorker(recorder, Patience(expect=1800, run=21600)).process_next():
        pass

    told = "\n".join(await why.told(case.penstock.house.database, "acme", "till", "main"))

    assert "Bitbucket starts no pipelines for a push of 6 refs" in told


async def test_once_a_push_is_delivered_again_the_one_that_was_found_is_no_longer_told(watched: Watched) -> None:
    case = watched
    await pushed(case)
    case.bitbucket.delivery_faults.lose(0.0, seed=1)
    made = (await case.penstock.client.post(f"/api/repositories/{case.repository_id}/rotate-secret")).json()
    await hooked(case, url=made["webhook"]["url"], secret=made["webhook"]["secret"])
    await case.shop.push("main", {"a.txt": "2"})
    recorder = Recorder(case.penstock.house.database, case.penstock.house.recorder.bus, lambda: case.rounds.now)
    while await InboxWorker(recorder, Patience(expect=1800, run=21600)).process_next():
        pass

    told = await why.told(case.penstock.house.database, "acme", "till", "main")

    assert told[0].startswith("The last push to main that reached Penstock came at ")
