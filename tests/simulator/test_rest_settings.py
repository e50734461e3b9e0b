"""Variables, environments, hooks, the switch for Pipelines over REST."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from service.simulator import Repository
from tests.simulator.conftest import SECRET, Receiver

pytestmark = pytest.mark.anyio

VARIABLES = "/pipelines_config/variables"


async def environment_variables(rest: httpx.AsyncClient) -> str:
    made = await rest.post("/environments", json={"name": "Staging", "environment_type": {"name": "Staging"}})
    return f"/deployments_config/environments/{quote(made.json()['uuid'])}/variables"


@pytest.mark.parametrize("place", ["repository", "environment"])
async def test_a_variable_is_made_read_changed_deleted(rest: httpx.AsyncClient, place: str) -> None:
    path = VARIABLES if place == "repository" else await environment_variables(rest)
    made = await rest.post(path, json={"key": "PORT", "value": "80", "secured": False})
    where = f"{path}/{quote(made.json()['uuid'])}"
    changed = await rest.put(where, json={"key": "PORT", "value": "81", "secured": False})
    listed = (await rest.get(path)).json()["values"]
    deleted = await rest.delete(where)

    assert (made.status_code, made.json()["value"]) == (201, "80")
    assert (changed.status_code, changed.json()["value"]) == (200, "81")
    assert listed == [changed.json()]
    assert (deleted.status_code, (await rest.get(path)).json()["size"]) == (204, 0)


async def test_a_secured_value_is_never_returned(shop: Repository, rest: httpx.AsyncClient) -> None:
    made = (await rest.post(VARIABLES, json={"key": "TOKEN", "value": "s3cret", "secured": True})).json()
    listed = (await rest.get(VARIABLES)).json()["values"][0]

    assert "value" not in made
    assert "value" not in listed
    assert shop.variables.value("TOKEN") == "s3cret"


async def test_a_secured_variable_is_changed_only_with_its_value(shop: Repository, rest: httpx.AsyncClient) -> None:
    made = (await rest.post(VARIABLES, json={"key": "TOKEN", "value": "s3cret", "secured": True})).json()
    answer = await rest.put(f"{VARIABLES}/{quote(made['uuid'])}", json={"key": "TOKEN", "secured": False})

    assert (answer.status_code, shop.variables.value("TOKEN")) == (400, "s3cret")


async def test_a_key_that_is_taken_is_a_409(shop: Repository, rest: httpx.AsyncClient) -> None:
    shop.variables.add("PORT", "80")
    other = shop.variables.add("HOST", "x")
    again = await rest.post(VARIABLES, json={"key": "PORT", "value": "81"})
    renamed = await rest.put(f"{VARIABLES}/{quote(other.uuid)}", json={"key": "PORT", "value": "x"})

    assert (again.status_code, renamed.status_code, shop.variables.value("PORT")) == (409, 409, "80")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (f"{VARIABLES}/%7Bnone%7D", "Variable {none} does not exist."),
        (f"{VARIABLES}/none", "The value provided is not a valid uuid."),
        ("/environments/none", "The value provided is not a valid uuid."),
        ("/deployments/%7Bnone%7D", "Deployment {none} does not exist."),
    ],
)
async def test_what_is_not_there_is_a_404_that_says_what(rest: httpx.AsyncClient, path: str, detail: str) -> None:
    answer = await rest.get(path)

    assert (answer.status_code, answer.json()["error"]["detail"]) == (404, detail)


async def test_an_environment_is_made_once(rest: httpx.AsyncClient) -> None:
    body = {"name": "Live", "environment_type": {"name": "Production"}}
    made = await rest.post("/environments", json=body)
    again = await rest.post("/environments", json=body)

    assert (made.status_code, made.json()["environment_type"]["name"], again.status_code) == (201, "Production", 409)
    assert (await rest.delete(f"/environments/{quote(made.json()['uuid'])}")).status_code == 204
    assert (await rest.get("/environments")).json()["values"] == []


async def test_a_deployment_names_its_run_its_environment_its_state(shop: Repository, rest: httpx.AsyncClient) -> None:
    run = await shop.start_run()
    await run.advance_to("Deploy")
    going_on = (await rest.get("/deployments")).json()["values"][0]
    await run.finish("FAILED")
    ended = (await rest.get(f"/deployments/{quote(going_on['uuid'])}")).json()

    assert (going_on["release"]["name"], going_on["environment"]["name"]) == ("#1", "Production")
    assert (going_on["state"]["name"], "completed_on" in going_on["state"]) == ("IN_PROGRESS", False)
    assert (ended["state"]["name"], ended["state"]["status"]["name"]) == ("COMPLETED", "FAILED")


async def test_a_hook_that_is_made_over_rest_gets_deliveries(
    shop: Repository, rest: httpx.AsyncClient, receiver: Receiver
) -> None:
    shop.hooks.clear()
    body = {"description": "Mine", "url": receiver.url, "active": True, "events": ["repo:push"], "secret": SECRET}
    made = await rest.post("/hooks", json=body)
    await shop.push()

    told = made.json()
    assert (made.status_code, told["secret_set"], "secret" in told) == (201, True, False)
    assert made.headers["location"] == told["links"]["self"]["href"]
    assert receiver.received[0].headers["x-hook-uuid"] == told["uuid"].strip("{}")


@pytest.mark.parametrize(("sent", "secret"), [({}, SECRET), ({"secret": None}, ""), ({"secret": "new"}, "new")])
async def test_a_secret_that_is_left_out_stays_and_null_removes_it(
    shop: Repository, rest: httpx.AsyncClient, sent: dict[str, str | None], secret: str
) -> None:
    hook = shop.hooks[0]
    answer = await rest.put(f"/hooks/{quote(hook.uuid)}", json={"events": ["repo:push"], **sent})

    assert (answer.status_code, answer.json()["secret_set"], hook.secret) == (200, bool(secret), secret)
    assert hook.events == ("repo:push",)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"url": "https://x.example"}, {"events"}),
        ({"events": ["repo:push"]}, {"url"}),
        ({"url": "https://x.example", "events": ["repo:nonsense"]}, {"events"}),
        ({"url": "https://x.example", "events": ["repo:push"], "secret": "x" * 129}, {"secret"}),
    ],
)
async def test_a_hook_that_cannot_be_is_a_400_that_names_the_field(
    rest: httpx.AsyncClient, body: dict[str, object], fields: set[str]
) -> None:
    answer = await rest.post("/hooks", json=body)

    assert (answer.status_code, answer.json()["error"]["fields"].keys()) == (400, fields)


async def test_a_hook_is_read_and_deleted(shop: Repository, rest: httpx.AsyncClient, receiver: Receiver) -> None:
    where = f"/hooks/{quote(shop.hooks[0].uuid)}"
    listed = (await rest.get("/hooks")).json()["values"]
    read = (await rest.get(where)).json()
    deleted = await rest.delete(where)
    await shop.push()

    assert listed == [read]
    assert (deleted.status_code, (await rest.get(where)).status_code, receiver.received) == (204, 404, [])


async def test_pipelines_is_switched(shop: Repository, rest: httpx.AsyncClient) -> None:
    before = (await rest.get("/pipelines_config")).json()["enabled"]
    answer = await rest.put("/pipelines_config", json={"enabled": False})

    assert (before, answer.json()["enabled"], shop.pipelines_enabled) == (True, False, False)
    assert (await rest.put("/pipelines_config", json={})).status_code == 400


async def test_the_next_build_number_only_grows(shop: Repository, rest: httpx.AsyncClient) -> None:
    raised = await rest.put("/pipelines_config/build_number", json={"next": 50})
    lowered = await rest.put("/pipelines_config/build_number", json={"next": 49})

    assert (raised.status_code, lowered.status_code, shop.queue_run().build_number) == (200, 400, 50)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_a_400(rest: httpx.AsyncClient, body: bytes) -> None:
    answer = await rest.post(VARIABLES, content=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Bad request")
