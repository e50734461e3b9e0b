"""`sync-env` says what it would change, changes that, and takes nothing away unless it is told to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.both_ways.conftest import Both

pytestmark = pytest.mark.anyio

OURS = [
    {"key": "COLOUR", "value": "green", "secured": False},
    {"key": "PASSWORD", "value": "correct-horse", "secured": True},
]


async def test_the_plan_names_what_is_missing_what_differs_what_is_right_and_what_is_not_ours(both: Both) -> None:
    await _configure(both, [*OURS, {"key": "SIZE", "value": "large", "secured": False}])
    both.shop.variables.add("COLOUR", "green")
    both.shop.variables.add("SIZE", "small")
    both.shop.variables.add("THEIRS", "x")

    plan = await _sync(both, dry_run=True)

    assert plan == {
        "created": [{"key": "PASSWORD", "secured": True}],
        "updated": [{"key": "SIZE", "secured": False}],
        "unchanged": [{"key": "COLOUR", "secured": False}],
        "unmanaged": [{"key": "THEIRS", "secured": False}],
        "deleted": [],
    }


async def test_a_dry_run_changes_nothing(both: Both) -> None:
    await _configure(both, OURS)
    both.shop.variables.add("COLOUR", "red")

    await _sync(both, dry_run=True, prune=True)

    assert _there(both) == {"COLOUR": ("red", False)}
    assert (
        both.asked("POST", "/variables") == both.asked("PUT", "/variables") == both.asked("DELETE", "/variables") == 0
    )
    assert (await _sync(both, dry_run=True))["created"] == [{"key": "PASSWORD", "secured": True}]


async def test_what_the_plan_says_is_done(both: Both) -> None:
    await _configure(both, OURS)
    both.shop.variables.add("COLOUR", "red")
    both.shop.variables.add("THEIRS", "x")

    done = await _sync(both)

    assert [one["key"] for one in (*done["created"], *done["updated"])] == ["PASSWORD", "COLOUR"]
    assert _there(both) == {
        "COLOUR": ("green", False),
        "PASSWORD": ("correct-horse", True),
        "THEIRS": ("x", False),
    }
    again = await _sync(both)
    assert [one["key"] for one in again["unchanged"]] == ["COLOUR", "PASSWORD"]
    assert (again["created"], again["updated"]) == ([], [])


async def test_only_when_told_to_prune_it_deletes_what_is_not_ours(both: Both) -> None:
    await _configure(both, OURS)
    both.shop.variables.add("THEIRS", "x", secured=True)

    told = await _sync(both, dry_run=True, prune=True)
    done = await _sync(both, prune=True)

    assert told["deleted"] == done["deleted"] == [{"key": "THEIRS", "secured": True}]
    assert done["unmanaged"] == []
    assert set(_there(both)) == {"COLOUR", "PASSWORD"}


async def test_a_secured_value_is_sent_again_when_it_has_changed_and_only_then(both: Both) -> None:
    await _configure(both, OURS)
    await _sync(both)
    assert (await _sync(both))["updated"] == []
    await _configure(both, [OURS[0], {"key": "PASSWORD", "value": "battery-staple", "secured": True}])

    changed = await _sync(both)

    assert changed["updated"] == [{"key": "PASSWORD", "secured": True}]
    assert _there(both)["PASSWORD"] == ("battery-staple", True)
    assert (await _sync(both))["updated"] == []


async def test_a_variable_that_becomes_a_secret_is_secured_at_bitbucket(both: Both) -> None:
    await _configure(both, [{"key": "PASSWORD", "value": "correct-horse", "secured": False}])
    await _sync(both)
    await _configure(both, [{"key": "PASSWORD", "value": "correct-horse", "secured": True}])

    assert (await _sync(both))["updated"] == [{"key": "PASSWORD", "secured": True}]
    assert _there(both) == {"PASSWORD": ("correct-horse", True)}


async def test_a_secured_variable_that_was_deleted_at_bitbucket_is_made_anew(both: Both) -> None:
    await _configure(both, OURS)
    await _sync(both)
    [gone] = [one.uuid for one in both.shop.variables if one.key == "PASSWORD"]
    both.shop.variables.remove(gone)

    assert (await _sync(both))["created"] == [{"key": "PASSWORD", "secured": True}]
    assert _there(both)["PASSWORD"] == ("correct-horse", True)


async def test_one_that_somebody_made_meanwhile_is_not_taken_for_ours(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _configure(both, OURS)
    both.bitbucket.route_faults.answer("POST", "/pipelines_config/variables$", 409, times=2)

    await _sync(both)
    both.shop.variables.add("PASSWORD", "of somebody else", secured=True)

    assert {one["key"] for one in (await _sync(both, dry_run=True))["updated"]} == {"PASSWORD"}


async def test_an_environments_variables_go_to_the_deployment_environment_which_is_made_on_demand(both: Both) -> None:
    path = f"/api/pipelines/{both.pipeline_id}/environments/production"
    known = await both.penstock.get(f"/api/pipelines/{both.pipeline_id}/environments")
    [name] = [one["name"] for one in known["items"]]
    assert name == "production"
    answer = await both.penstock.client.put(path, json={"environment_variables": OURS})
    assert answer.status_code == 200, answer.text

    planned = await _sync(both, environment="production", dry_run=True)
    assert both.shop.environments == []
    done = await _sync(both, environment="production")

    assert planned == done
    [made] = both.shop.environments
    assert (made.name.lower(), made.kind) == ("production", "Production")
    assert {one.key: (one.value, one.secured) for one in made.variables} == {
        "COLOUR": ("green", False),
        "PASSWORD": ("correct-horse", True),
    }
    assert _there(both) == {}
    assert [one["key"] for one in (await _sync(both, environment="production"))["unchanged"]] == ["COLOUR", "PASSWORD"]
    assert len(both.shop.environments) == 1


async def test_an_environment_that_there_is_is_used_whatever_the_case_of_its_name(both: Both) -> None:
    there = both.shop.environment("Production")
    path = f"/api/pipelines/{both.pipeline_id}/environments/production"
    assert (await both.penstock.client.put(path, json={"environment_variables": OURS})).status_code == 200

    await _sync(both, environment="production")

    assert both.shop.environments == [there]
    assert {one.key for one in there.variables} == {"COLOUR", "PASSWORD"}


async def test_no_value_is_told_by_anybody(both: Both) -> None:
    await _configure(both, OURS)

    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/sync-env", {})

    assert "correct-horse" not in answer.text
    assert "green" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"), [({"environment": "moon"}, 422), ({"dry_run": "yes"}, 422), ({"colour": 1}, 422)]
)
async def test_what_cannot_be_meant_is_refused(both: Both, body: dict[str, Any], status: int) -> None:
    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/sync-env", body)

    assert answer.status_code == status


async def test_without_a_credential_it_is_a_409(both: Both) -> None:
    hookless = await both.penstock.get("/api/pipelines", repository_id=both.penstock.hook.id)

    answer = await both.post(f"/api/pipelines/{hookless['items'][0]['id']}/sync-env", {})

    assert answer.status_code == 409


async def test_when_bitbucket_is_away_it_is_a_503_and_nothing_is_marked_as_sent(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.client.calls.FIRST_PAUSE", 0.02)
    await _configure(both, OURS)
    both.bitbucket.route_faults.answer("*", "/variables", 500, times=None)

    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/sync-env", {})
    both.bitbucket.route_faults.clear()

    assert answer.status_code == 503
    assert [one["key"] for one in (await _sync(both))["created"]] == ["COLOUR", "PASSWORD"]


async def _configure(both: Both, variables: list[dict[str, Any]]) -> None:
    path = f"/api/pipelines/{both.pipeline_id}"
    answer = await both.penstock.client.put(path, json={"environment_variables": variables})
    assert answer.status_code == 200, answer.text


async def _sync(both: Both, **wanted: Any) -> dict[str, Any]:
    answer = await both.post(f"/api/pipelines/{both.pipeline_id}/sync-env", wanted)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _there(both: Both) -> dict[str, tuple[str, bool]]:
    return {one.key: (one.value, one.secured) for one in both.shop.variables}
