"""A Bitbucket that fails, hangs, lies and answers nonsense."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest

from service.bitbucket.answers import Page, Run
from service.client import Client, Refused, Unreachable
from service.client.calls import MOST_PAGES
from service.client.exchange import MOST_CONNECTIONS, NoReply, exchange, pool
from tests.client.conftest import SHOP, TOKEN, Asking
from tests.client.peer import (
    Peer,
    Script,
    answers,
    drips,
    hangs_up,
    never_ends,
    resets,
    says,
    stalls,
)

pytestmark = pytest.mark.anyio

HTML = b"<html><title>Atlassian is down</title></html>"
RUN: dict[str, Any] = {
    "uuid": "{11111111-1111-1111-1111-111111111111}",
    "build_number": 7,
    "created_on": "2026-03-01T09:30:00.123456789Z",
    "state": {"name": "PENDING"},
    "target": {"type": "pipeline_ref_target", "ref_name": "main", "commit": {"hash": "a" * 40}},
}
PAGE = {"values": [RUN]}
GOOD = answers(PAGE)
BOMB = gzip.compress(b" " * 50_000_000)

NO_ANSWER = {
    "hangs up": hangs_up(),
    "resets in the body": resets(b'{"values": ['),
    "resets before the body": resets(),
    "ends before its length": answers(b'{"values": []', length=500),
    "stalls before the head": stalls(),
    "stalls in the body": stalls(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"values"'),
    "drips": drips(),
    "never ends": never_ends(),
    "speaks no HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "is compressed": answers(gzip.compress(b'{"values": []}'), Content_Encoding="gzip"),
    "is a bomb": answers(BOMB, Content_Encoding="gzip"),
    "500": answers({"type": "error", "error": {"message": "Something went wrong"}}, 500),
    "502 in HTML": answers(HTML, 502, Content_Type="text/html"),
    "503 empty": answers(b"", 503),
    "504": answers(b"", 504),
    "555": answers(b"", 555),
    "200 in HTML": answers(HTML, Content_Type="text/html"),
    "200 empty": answers(b""),
    "200 cut JSON": answers(b'{"values": ['),
    "200 another shape": answers([]),
    "200 another kind of value": answers({"values": 7}),
    "200 no UTF-8": answers(b'{"values": [], "next": "\xff"}'),
    "200 nested too deeply": answers(b'{"values": ' + b"[" * 200_000),
}


@pytest.mark.parametrize("script", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_X37_X40_what_is_no_answer_is_asked_for_three_times_and_then_said_to_be_none(
    asking: Asking, peer: Peer, script: Script
) -> None:
    peer.plays(script)

    with pytest.raises(Unreachable, match="GET /repositories/acme/shop/pipelines in 3 tries") as caught:
        await asking.client.runs(SHOP)
    assert (len(peer.requests), len(asking.pauses), caught.value.maybe_done) == (3, 2, False)
    assert asking.pauses[0] < 1 <= asking.pauses[1] * 2 < 4
    assert TOKEN not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("script", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_X37_X40_an_answer_that_comes_at_the_second_try_is_taken(
    asking: Asking, peer: Peer, script: Script
) -> None:
    peer.plays(script, GOOD)

    assert [run.build_number for run in await asking.client.runs(SHOP)] == [7]


@pytest.mark.parametrize("script", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_X37_X40_a_run_that_may_have_been_started_is_not_started_twice(
    asking: Asking, peer: Peer, script: Script
) -> None:
    peer.plays(script)

    with pytest.raises(Unreachable, match="may have carried out") as caught:
        await asking.client.start_run(SHOP, branch="main")
    assert (len(peer.requests), caught.value.maybe_done) == (1, True)


async def test_X40_a_run_that_cannot_have_been_started_is_tried_again(asking: Asking, unused_port: int) -> None:
    asking.client._base_url = f"http://127.0.0.1:{unused_port}/2.0"

    with pytest.raises(Unreachable, match="no connection") as caught:
        await asking.client.start_run(SHOP, branch="main")
    assert (len(asking.pauses), caught.value.maybe_done) == (2, False)


async def test_what_was_removed_by_the_try_before_counts_as_removed(asking: Asking, peer: Peer) -> None:
    peer.plays(hangs_up(), answers(b"", 404))

    await asking.client.delete_branch(SHOP, "penstock/config")
    assert [request.method for request in peer.requests] == ["DELETE", "DELETE"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_D11_X41_a_redirect_is_not_followed(asking: Asking, peer: Peer, elsewhere: Peer, status: int) -> None:
    elsewhere.plays(GOOD)
    peer.plays(answers(b"", status, Location=f"{elsewhere.url}/repositories/acme/shop/pipelines"))

    with pytest.raises(Unreachable, match="redirects"):
        await asking.client.runs(SHOP)
    assert (len(peer.requests), elsewhere.requests) == (1, [])


async def test_X43_a_list_goes_on_where_it_began_whatever_the_link_says(asking: Asking, peer: Peer) -> None:
    peer.plays(answers(PAGE | {"next": f"{peer.url}/repositories/evil/other/pipelines?page=2&x=%26"}), GOOD)

    assert len(await asking.client.runs(SHOP)) == 2
    assert peer.requests[1].target == "/2.0/repositories/acme/shop/pipelines?page=2&x=%26"


@pytest.mark.parametrize(
    "link", ["{elsewhere}/2.0/repositories/acme/shop/pipelines?page=2", "{here}/1.0/x?page=2", "x", "http://[::1"]
)
async def test_D11_X43_a_list_that_goes_on_at_another_place_is_not_followed(
    asking: Asking, peer: Peer, elsewhere: Peer, link: str
) -> None:
    elsewhere.plays(GOOD)
    peer.plays(answers(PAGE | {"next": link.format(elsewhere=elsewhere.origin, here=peer.origin)}))

    with pytest.raises(Unreachable, match="another place"):
        await asking.client.runs(SHOP)
    assert (len(peer.requests), elsewhere.requests) == (1, [])


async def test_X43_a_list_that_leads_back_is_given_up(asking: Asking, peer: Peer) -> None:
    there, back = (answers(PAGE | {"next": f"{peer.url}/x?page={page}"}) for page in (2, 3))
    peer.plays(there, back, there)

    with pytest.raises(Unreachable, match="leads back"):
        await asking.client.runs(SHOP)
    assert len(peer.requests) == 3


async def test_X43_a_list_without_an_end_is_given_up(asking: Asking, peer: Peer) -> None:
    peer.plays(*(answers(PAGE | {"next": f"{peer.url}/x?page={page}"}) for page in range(2, MOST_PAGES + 10)))

    with pytest.raises(Unreachable, match=f"after {MOST_PAGES} pages"):
        await asking.client.runs(SHOP, limit=10_000)
    assert len(peer.requests) == MOST_PAGES


async def test_a_list_of_which_enough_is_known_is_read_no_further(asking: Asking, peer: Peer) -> None:
    peer.plays(answers(PAGE | {"next": f"{peer.url}/x?page=2"}))

    assert len(await asking.client.runs(SHOP, limit=1)) == 1
    assert len(peer.requests) == 1


async def test_X38_a_state_that_nobody_knows_stays_what_it_was(asking: Asking, peer: Peer) -> None:
    odd = {"name": "HIBERNATING", "stage": {"name": "DREAMING", "type": "x"}, "sheep": 12}
    peer.plays(answers(RUN | {"state": odd, "labels": {"a": [1]}}))
    state = (await asking.client.run(SHOP, RUN["uuid"])).state

    assert (state.name, state.stage and state.stage.name, state.result) == ("HIBERNATING", "DREAMING", None)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda client: client.run(SHOP, "{22222222-2222-2222-2222-222222222222}"), RUN),
        (lambda client: client.repository("{22222222-2222-2222-2222-222222222222}"), {"uuid": "{1}"}),
        (lambda client: client.branch(SHOP, "main"), {"name": "other", "target": {"hash": "a" * 40}}),
        (lambda client: client.start_run(SHOP, branch="main", commit="b" * 40), RUN),
    ],
    ids=["run", "repository", "branch", "commit"],
)
async def test_X44_an_answer_about_something_else_is_not_taken(
    asking: Asking, peer: Peer, ask: Any, answer: Any
) -> None:
    peer.plays(answers(answer))

    with pytest.raises(Unreachable, match=r"was asked about .* and answered about"):
        await ask(asking.client)


async def test_X40_answers_that_never_come_leave_no_connection_behind(peer: Peer) -> None:
    peer.plays(stalls())
    async with pool() as http:
        for _ in range(MOST_CONNECTIONS + 5):
            with pytest.raises(NoReply, match=r"within 0\.02 seconds"):
                await exchange(http, "GET", peer.url, headers={}, seconds=0.02)
        peer.plays(GOOD)

        assert (await exchange(http, "GET", peer.url, headers={}, seconds=5)).status == 200


async def test_a_refusal_in_html_is_not_quoted(asking: Asking, peer: Peer) -> None:
    peer.plays(answers(HTML, 400, Content_Type="text/html"))

    with pytest.raises(Refused) as caught:
        await asking.client.runs(SHOP)
    assert str(caught.value) == "Bitbucket refuses GET /repositories/acme/shop/pipelines (400): status 400"


async def test_a_refusal_is_told_in_one_line_of_bounded_length(asking: Asking, peer: Peer) -> None:
    error = {"message": "a\nb\x1b[31m", "detail": "x" * 10_000, "fields": {"url": ["too", "long"]}}
    peer.plays(answers({"error": error}, 400))

    with pytest.raises(Refused) as caught:
        await asking.client.runs(SHOP)
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_a_page_is_read_with_the_times_that_pipelines_writes() -> None:
    [run] = msgspec.json.decode(msgspec.json.encode(PAGE), type=Page[Run]).values

    assert (run.created_on.microsecond, str(run.created_on.tzinfo)) == (123457, "UTC")


async def test_a_client_shows_whose_it_is_and_nothing_of_its_secret(asking: Asking) -> None:
    assert repr(asking.client) == "Client('deploys')"
    assert isinstance(asking.client, Client)
