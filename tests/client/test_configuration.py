"""Variables, environments, deployments, webhooks, the switch of Pipelines."""

from __future__ import annotations

import pytest

from service.client import Assignment, Client, Conflict, NotFound, Refused
from service.simulator import Repository
from tests.client.conftest import SHOP

pytestmark = pytest.mark.anyio

SECRET = Assignment("DEPLOY_KEY", "correct horse battery staple", secured=True)


async def test_pipelines_is_switched_on(client: Client, shop: Repository) -> None:
    shop.pipelines_enabled = False
    before = await client.pipelines_enabled(SHOP)
    await client.enable_pipelines(SHOP)

    assert (before, await client.pipelines_enabled(SHOP), shop.pipelines_enabled) == (False, True, True)


@pytest.mark.parametrize("scope", ["repository", "environment"])
async def test_variables_are_made_changed_listed_and_removed(client: Client, shop: Repository, scope: str) -> None:
    environment = None
    if scope == "environment":
        environment = (await client.create_environment(SHOP, "production", kind="Production")).uuid
    made = await client.create_variable(SHOP, Assignment("PORT", "8080"), environment=environment)
    secured = await client.create_variable(SHOP, SECRET, environment=environment)
    await client.update_variable(SHOP, made.uuid, Assignment("PORT", "8081"), environment=environment)
    listed = await client.variables(SHOP, environment=environment)
    await client.delete_variable(SHOP, made.uuid, environment=environment)
    kept = shop.environments[0].variables if environment else shop.variables

    assert [(one.key, one.value, one.secured) for one in listed] == [("PORT", "8081", False), (SECRET.key, None, True)]
    assert await client.variables(SHOP, environment=environment) == [secured]
    assert kept.value(SECRET.key) == SECRET.value


async def test_a_variable_whose_key_is_taken_is_a_conflict_that_does_not_tell_its_value(
    client: Client, shop: Repository
) -> None:
    await client.create_variable(SHOP, SECRET)

    with pytest.raises(Conflict, match="already exists") as caught:
        await client.create_variable(SHOP, SECRET)
    assert SECRET.value not in f"{caught.value} {caught.value!r} {SECRET}"


async def test_an_environment_whose_name_is_taken_is_a_conflict(client: Client, shop: Repository) -> None:
    made = await client.create_environment(SHOP, "staging", kind="Staging")

    assert await client.environments(SHOP) == [made]
    assert made.environment_type
    assert made.environment_type.name == "Staging"
    with pytest.raises(Conflict, match="staging"):
        await client.create_environment(SHOP, "staging", kind="Staging")


async def test_a_deployment_names_its_run_step_environment_and_commit(client: Client, shop: Repository) -> None:
    await client.create_environment(SHOP, "production", kind="Production")
    run = await shop.start_run("main")
    await run.advance_to("Deploy")
    await run.finish("FAILED")
    [deployment] = await client.deployments(SHOP)

    assert deployment.release.pipeline
    assert deployment.release.pipeline.uuid == run.uuid
    assert deployment.release.name == "#1"
    assert deployment.step
    assert deployment.step.uuid == run.step("Deploy").uuid
    assert deployment.environment
    assert deployment.environment.name == "production"
    assert (deployment.state.name, deployment.state.status and deployment.state.status.name) == ("COMPLETED", "FAILED")
    assert deployment.state.completed_on


async def test_a_webhook_is_made_changed_and_removed(client: Client, shop: Repository) -> None:
    made = await client.create_hook(
        SHOP, url="https://penstock.example.com/1", events=["repo:push"], secret="first secret", description="Penstock"
    )
    changed = await client.update_hook(
        SHOP,
        made.uuid,
        url="https://penstock.example.com/2",
        events=["repo:push", "repo:updated"],
        description="Penstock",
    )
    kept = shop.hooks[0].secret
    await client.update_hook(
        SHOP, made.uuid, url=changed.url, events=changed.events, description="Penstock", secret="second secret"
    )
    rotated = shop.hooks[0].secret
    await client.delete_hook(SHOP, made.uuid)

    assert (made.secret_set, made.active, kept, rotated) == (True, True, "first secret", "second secret")
    assert (changed.url, changed.events) == ("https://penstock.example.com/2", ("repo:push", "repo:updated"))
    assert await client.hooks(SHOP) == []


async def test_what_bitbucket_finds_wrong_with_a_webhook_is_told(client: Client, shop: Repository) -> None:
    with pytest.raises(Refused, match="events: repo:exploded is not an event"):
        await client.create_hook(
            SHOP, url="https://penstock.example.com", events=["repo:exploded"], secret="s", description=""
        )


async def test_removing_what_is_gone_says_so(client: Client, shop: Repository) -> None:
    with pytest.raises(NotFound, match="0000-000000000000"):
        await client.delete_hook(SHOP, "{00000000-0000-0000-0000-000000000000}")
