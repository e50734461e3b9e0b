"""Whatever a stranger sends in headers and bodies becomes a value or a named error."""

from __future__ import annotations

import httpx
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from service.client import BitbucketError
from service.client.exchange import NoReply, Reply
from service.client.logs import LogPart, part_of
from service.client.refusals import LONGEST_WAIT, refusal, retry_after

HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)
RANGE = st.from_regex(r"bytes [0-9]{0,25}-?[0-9]{0,25}/([0-9]{1,25}|\*)", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
ERROR = st.fixed_dictionaries(
    {"error": st.fixed_dictionaries({"message": JSON, "detail": JSON, "fields": JSON}) | JSON}
)


@settings(deadline=None)
@given(HEADER)
def test_how_long_to_wait_is_a_bounded_number_or_unknown(text: str) -> None:
    seconds = retry_after(httpx.Headers({"Retry-After": text.encode("latin-1")}))

    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


@settings(deadline=None)
@given(status=st.sampled_from([200, 206, 404, 416]), told=RANGE | HEADER, length=HEADER, offset=st.integers(0, 2**40))
def test_a_part_of_a_log_is_a_part_or_no_answer(status: int, told: str, length: str, offset: int) -> None:
    headers = httpx.Headers({"Content-Range": told.encode("latin-1"), "Content-Length": length.encode("latin-1")})
    try:
        part = part_of(Reply(status, headers, b"abc"), offset)
    except NoReply:
        return

    assert isinstance(part, LogPart)
    assert part.offset == offset


@settings(deadline=None)
@given(status=st.integers(300, 499), body=ERROR.map(msgspec.json.encode) | st.binary(max_size=200))
def test_every_refusal_is_an_error_in_one_line_that_names_what_was_asked(status: int, body: bytes) -> None:
    reply = Reply(status, httpx.Headers({"Content-Type": "text/plain"}), body)
    error = refusal("deploys", "GET /repositories/acme/shop", reply, ["secret-token"])

    assert isinstance(error, BitbucketError)
    assert str(error).isprintable()
    assert "deploys" in str(error) or "acme/shop" in str(error)
    assert "secret-token" not in str(error)
