"""Where a log comes from: which redirect is followed, what goes with it, what is made of strange answers."""

from __future__ import annotations

import pytest

from service.addresses import BadTarget
from service.client import LogPart, LogStatus, Unreachable
from service.client.storage import checked
from tests.client.conftest import SHOP, TOKEN, Asking
from tests.client.peer import Peer, Script, answers, hangs_up, never_ends, resets, stalls

pytestmark = pytest.mark.anyio

RUN, STEP = "{11111111-1111-1111-1111-111111111111}", "{22222222-2222-2222-2222-222222222222}"
SIGNATURE = "X-Amz-Signature=0123456789abcdef"


async def part(asking: Asking, offset: int = 0, limit: int = 8) -> LogPart:
    return await asking.client.log(SHOP, RUN, STEP, offset=offset, limit=limit)


def moved(to: Peer) -> Script:
    return answers(b"", 307, Location=f"{to.origin}/logs/1?{SIGNATURE}")


async def test_X42_a_log_is_asked_for_as_bytes_by_range(asking: Asking, peer: Peer) -> None:
    peer.plays(answers(b"89", 206, Content_Range="bytes 8-9/10"))
    found = await part(asking, 8)
    [asked] = peer.requests

    assert found == LogPart(b"89", 8, LogStatus.MORE, 10)
    assert (asked.headers["accept"], asked.headers["range"]) == ("*/*", "bytes=8-15")
    assert "%7B22222222-2222-2222-2222-222222222222%7D/log" in asked.target


async def test_D12_storage_gets_the_range_and_not_the_credential(asking: Asking, peer: Peer, elsewhere: Peer) -> None:
    peer.plays(moved(elsewhere))
    elsewhere.plays(answers(b"89", 206, Content_Range="bytes 8-9/10"))
    found = await part(asking, 8)
    [asked] = elsewhere.requests

    assert (found.data, found.stored, found.complete) == (b"89", True, True)
    assert (asked.target, asked.headers["range"]) == (f"/logs/1?{SIGNATURE}", "bytes=8-15")
    assert asked.headers["host"] == elsewhere.origin.removeprefix("http://")
    assert "authorization" not in asked.headers
    assert TOKEN not in str(asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_D12_a_second_hop_is_not_followed(asking: Asking, peer: Peer, elsewhere: Peer, status: int) -> None:
    peer.plays(moved(elsewhere))
    elsewhere.plays(answers(b"", status, Location=f"{peer.origin}/again"))

    with pytest.raises(Unreachable, match=f"the storage of finished logs .* answered {status}"):
        await part(asking)
    assert (len(peer.requests), len(elsewhere.requests)) == (1, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 308])
async def test_X41_only_a_307_leads_to_the_storage(asking: Asking, peer: Peer, elsewhere: Peer, status: int) -> None:
    peer.plays(answers(b"", status, Location=f"{elsewhere.origin}/logs/1"))

    with pytest.raises(Unreachable, match="redirects"):
        await part(asking)
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "script",
    [hangs_up(), resets(b"abc"), stalls(), answers(b"", 403), answers(b"", 404), answers(b"abc", length=9)],
    ids=["hangs up", "resets", "stalls", "expired", "gone", "cut"],
)
async def test_a_storage_that_fails_is_told_without_its_signed_link(
    asking: Asking, peer: Peer, elsewhere: Peer, script: Script
) -> None:
    peer.plays(moved(elsewhere))
    elsewhere.plays(script)

    with pytest.raises(Unreachable, match="storage of finished logs") as caught:
        await part(asking)
    assert SIGNATURE not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("script", [never_ends(), answers(b"x" * 100_000, length=2**31)], ids=["endless", "2 GB"])
async def test_X42_no_more_of_a_log_is_read_than_was_asked_for(asking: Asking, peer: Peer, script: Script) -> None:
    peer.plays(script)

    assert len((await part(asking, 100, 1000)).data) == 1000


async def test_X42_what_is_no_text_is_handed_on_as_it_is(asking: Asking, peer: Peer) -> None:
    peer.plays(answers(b"\xff\xfe\x00", 200))

    assert (await part(asking)).data == b"\xff\xfe\x00"


@pytest.mark.parametrize("told", [{"Content_Range": "bytes 0-1/10"}, {}, {"Content_Range": "lines 8-9/10"}])
async def test_X42_another_part_than_was_asked_for_is_not_taken(
    asking: Asking, peer: Peer, told: dict[str, str]
) -> None:
    peer.plays(answers(b"89", 206, **told))

    with pytest.raises(Unreachable, match="another part"):
        await part(asking, 8)


@pytest.mark.parametrize(
    ("script", "status", "size", "shrunk"),
    [
        (answers(b"", 404), LogStatus.NOT_YET, None, False),
        (answers(b"", 416, Content_Range="bytes */8"), LogStatus.NOTHING_NEW, 8, False),
        (answers(b"", 416, Content_Range="bytes */5"), LogStatus.NOTHING_NEW, 5, True),
        (answers(b"", 416), LogStatus.NOTHING_NEW, None, False),
        (answers(b"01234567", 200), LogStatus.NOTHING_NEW, 8, False),
        (answers(b"01234", 200), LogStatus.NOTHING_NEW, 5, True),
    ],
    ids=["not yet", "nothing new", "shorter than before", "nothing said", "whole, as long", "whole, shorter"],
)
async def test_X42_a_log_without_news_says_which_kind_of_none(
    asking: Asking, peer: Peer, script: Script, status: LogStatus, size: int | None, shrunk: bool
) -> None:
    peer.plays(script)
    found = await part(asking, 8)

    assert (found.data, found.status, found.size, found.shrunk, found.complete) == (b"", status, size, shrunk, False)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("", "no host"),
        ("/logs/1", "no host"),
        ("ftp://storage.example.com/1", "no web link"),
        ("file:///etc/passwd", "no host"),
        ("https://user:pass@storage.example.com/1", "a name or a password"),
        ("https://[::1", "no link"),
        ("http://8.8.8.8/1", "without TLS"),
        ("https://127.0.0.1/1", "private address"),
        ("https://localhost/1", "private address"),
        ("https://[::ffff:10.0.0.1]/1", "private address"),
        ("https://2130706433/1", "private address"),
        ("https://0x7f.1/1", "private address"),
        ("https://169.254.169.254/latest/meta-data", "private address"),
        ("https://nowhere.invalid/1", "not found"),
    ],
)
async def test_D12_a_link_that_is_not_to_public_storage_is_not_followed(link: str, why: str) -> None:
    with pytest.raises(BadTarget, match=why):
        await checked(link, allow_private=False)


async def test_a_public_link_is_pinned_to_its_address_and_keeps_its_name() -> None:
    target = await checked("https://8.8.8.8:8443/logs/1?a=%2F&b", allow_private=False)

    assert (target.urls, target.host, target.host_header) == (
        ("https://8.8.8.8:8443/logs/1?a=%2F&b",),
        "8.8.8.8",
        "8.8.8.8:8443",
    )


async def test_D12_private_storage_is_refused_unless_it_is_allowed(asking: Asking, peer: Peer, elsewhere: Peer) -> None:
    asking.client._allow_private = False
    peer.plays(moved(elsewhere))

    with pytest.raises(Unreachable, match="PENSTOCK_ALLOW_PRIVATE_TARGETS=true"):
        await part(asking)
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("data", "size", "left"),
    [
        (b"known and new", 20, LogPart(b" and new", 12, LogStatus.MORE, 20)),
        (b"known", 12, LogPart(b"", 12, LogStatus.NOTHING_NEW, 12)),
        (b"know", 11, LogPart(b"", 12, LogStatus.NOTHING_NEW, 11)),  # it became shorter, which is no contradiction
        (b"knows it all", 20, None),
    ],
)
def test_X42_a_log_with_another_beginning_is_recognised(data: bytes, size: int, left: LogPart | None) -> None:
    assert LogPart(data, 7, LogStatus.MORE, size).behind(b"known") == left


def test_X42_where_nothing_came_nothing_is_another() -> None:
    found = LogPart(b"", 7, LogStatus.NOTHING_NEW, 7).behind(b"known")

    assert found is not None
    assert found.shrunk
