"""Who may call the REST side, how often; how it answers when it was told to fail."""

from __future__ import annotations

import httpx
import pytest

from service.simulator import Repository, Simulator
from service.simulator.credentials import basic

pytestmark = pytest.mark.anyio

PIPELINE = frozenset({"pipeline"})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_without_credentials_everybody_is_let_in(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("", headers=bearer("whatever"))).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer good", 200),
        (basic("kim@acme.example", "token"), 200),
        ("Bearer bad", 401),
        (basic("kim", "token"), 401),  # the user's name in the place of the e-mail
        (basic("kim@acme.example", "good"), 401),
        ("good", 401),
        (None, 401),
    ],
)
async def test_with_credentials_only_they_are(
    bitbucket: Simulator, rest: httpx.AsyncClient, authorization: str | None, status: int
) -> None:
    bitbucket.credentials.add_token("good")
    bitbucket.credentials.add_api_token("kim@acme.example", "token")
    answer = await rest.get("", headers={"Authorization": authorization} if authorization else {})

    assert answer.status_code == status
    assert (answer.json()["type"] == "error") == (status == 401)


async def test_a_revoked_token_is_refused(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.credentials.add_token("other")
    bitbucket.credentials.revoke(bitbucket.credentials.add_token("good"))

    assert (await rest.get("", headers=bearer("good"))).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "method", "path", "required"),
    [
        ({"pipeline"}, "GET", "/pipelines", None),
        ({"pipeline:write"}, "GET", "/pipelines", None),
        ({"pipeline:variable"}, "GET", "/pipelines_config/variables", None),
        ({"pipeline"}, "POST", "/pipelines/1/stopPipeline", "pipeline:write"),
        ({"pipeline"}, "GET", "/hooks", "webhook"),
        ({"repository:admin"}, "GET", "", "repository"),
        ({"pullrequest:write"}, "GET", "/src/main/", None),
        (set(), "GET", "", "repository"),
    ],
)
async def test_a_scope_that_is_lacking_is_a_403_that_names_it(
    bitbucket: Simulator,
    rest: httpx.AsyncClient,
    scopes: set[str],
    method: str,
    path: str,
    required: str | None,
) -> None:
    bitbucket.credentials.add_token("good", frozenset(scopes))
    answer = await rest.request(method, path, headers=bearer("good"))

    refusal = answer.json()["error"]["detail"] if answer.status_code == 403 else None
    assert refusal == (required and {"required": [required], "granted": sorted(scopes)})


async def test_an_oauth_client_gets_its_token(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.credentials.add_client("id", "secret", PIPELINE)
    where = bitbucket.url.removesuffix("/2.0") + "/site/oauth2/access_token"
    grant = {"grant_type": "client_credentials"}
    answer = await rest.post(where, data=grant, auth=("id", "secret"))
    wrong = await rest.post(where, data=grant, auth=("id", "wrong"))
    other = await rest.post(where, data={"grant_type": "password"}, auth=("id", "secret"))

    token = answer.json()
    assert (token["expires_in"], token["scope"], "refresh_token" in token) == (7200, "pipeline", False)
    assert (wrong.status_code, other.status_code) == (401, 400)
    assert (await rest.get("/pipelines", headers=bearer(token["access_token"]))).status_code == 200


async def test_a_caller_over_the_limit_gets_a_429_until_the_hour_has_rolled(
    bitbucket: Simulator, rest: httpx.AsyncClient
) -> None:
    usual = bitbucket.rate_limit.limit
    bitbucket.rate_limit.limit = 2
    answers = [await rest.get("") for _ in range(3)]
    another = await rest.get("", headers=bearer("another"))
    bitbucket.clock.advance(3601)
    later = await rest.get("")

    assert usual == 1000
    assert [answer.status_code for answer in [*answers, another, later]] == [200, 200, 429, 200, 200]
    assert answers[2].text == "Rate limit for this resource has been exceeded"
    assert "retry-after" not in answers[2].headers


async def test_only_an_access_token_is_told_of_its_limit(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.rate_limit.limit = 5
    near = [(await rest.get("", headers=bearer("x"))).headers["x-ratelimit-nearlimit"] for _ in range(5)]
    nobody = await rest.get("")

    assert near == ["false"] * 4 + ["true"]
    assert "x-ratelimit-limit" not in nobody.headers


async def test_a_route_answers_as_it_was_told_and_then_as_usual(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient
) -> None:
    bitbucket.route_faults.answer("GET", "/pipelines$", 503, body="busy", headers={"Retry-After": "6"}, times=2)
    others = await rest.get("/hooks")
    answers = [await rest.get("/pipelines") for _ in range(3)]

    assert [others.status_code, *(answer.status_code for answer in answers)] == [200, 503, 503, 200]
    assert (answers[0].text, answers[0].headers["retry-after"]) == ("busy", "6")


async def test_a_fault_for_good_lasts_until_it_is_cleared(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.route_faults.answer("*", "", 555, times=None)
    broken = [(await rest.get("")).status_code for _ in range(3)]
    bitbucket.route_faults.clear()

    assert broken == [555] * 3
    assert (await rest.get("")).status_code == 200


async def test_a_cut_connection_does_nothing(bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient) -> None:
    bitbucket.route_faults.cut("POST", "/pipelines_config/variables")
    with pytest.raises(httpx.RemoteProtocolError):
        await rest.post("/pipelines_config/variables", json={"key": "PORT", "value": "80"})

    assert list(shop.variables) == []
    assert (bitbucket.requests[-1].method, bitbucket.requests[-1].status) == ("POST", None)


async def test_a_truncated_answer_hides_what_was_done(
    bitbucket: Simulator, shop: Repository, rest: httpx.AsyncClient
) -> None:
    bitbucket.route_faults.truncate("POST", "/pipelines_config/variables")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await rest.post("/pipelines_config/variables", json={"key": "PORT", "value": "80"})

    assert shop.variables.value("PORT") == "80"


async def test_a_delayed_answer_is_the_right_one(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.route_faults.delay("GET", "/hooks", 30)
    with pytest.raises(httpx.ReadTimeout):
        await rest.get("/hooks", timeout=0.05)
    bitbucket.route_faults.delay("GET", "/hooks", 0.01)

    assert (await rest.get("/hooks")).status_code == 200


async def test_every_request_is_noted(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    await rest.get("/pipelines", params={"pagelen": 5})
    await rest.get("/nothing/here")

    noted = [(one.method, one.path, one.query, one.status) for one in bitbucket.requests]
    assert noted == [
        ("GET", "/repositories/acme/shop/pipelines", "pagelen=5", 200),
        ("GET", "/repositories/acme/shop/nothing/here", "", 404),
    ]


@pytest.mark.parametrize("path", ["/pipelines", "/pipelines/", "/refs/branches/", "/environments/"])
async def test_a_slash_at_the_end_makes_no_difference(rest: httpx.AsyncClient, path: str) -> None:
    assert (await rest.get(path)).status_code == 200


async def test_an_answer_names_the_scopes_that_are_held(bitbucket: Simulator, rest: httpx.AsyncClient) -> None:
    bitbucket.credentials.add_token("good", frozenset({"pipeline", "webhook"}))
    answers = [await rest.get(path, headers=bearer("good")) for path in ("/hooks", "/src")]

    assert [answer.status_code for answer in answers] == [200, 403]
    assert [answer.headers["x-oauth-scopes"] for answer in answers] == ["pipeline, webhook"] * 2
    assert [answer.headers["x-accepted-oauth-scopes"] for answer in answers] == ["webhook", "repository"]


async def test_repositories_of_a_workspace_have_one_owner_and_names_of_their_own(
    bitbucket: Simulator, shop: Repository
) -> None:
    other = bitbucket.repository("acme/other")
    with pytest.raises(ValueError, match="there is a repository acme/shop already"):
        bitbucket.repository("acme/shop")

    assert (other.owner.uuid, other.uuid == shop.uuid) == (shop.owner.uuid, False)
