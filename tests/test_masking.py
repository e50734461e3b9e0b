"""No form of a secret is left in what comes out, wherever the chunks were cut."""

from __future__ import annotations

import base64
import json
import random
import shlex
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.masking import MASK, Masker, forms_of

PEM = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEAwJbE\nq83hQx2n5T1kzPq0Vw==\n-----END KEY-----\n"


def masked(forms: frozenset[bytes], data: bytes, *, cuts: list[int] | None = None) -> bytes:
    masker, out, at = Masker(forms), b"", 0
    for cut in [*sorted(cuts or []), len(data)]:
        out += masker.feed(data[at:cut])
        at = max(at, cut)
    return out + masker.flush()


def by_definition(forms: frozenset[bytes], data: bytes) -> bytes:
    """Marks every byte of every place of every form, and writes one mask for each run of marked bytes."""
    marked = bytearray(len(data))
    for form in forms:
        for at in range(len(data) - len(form) + 1):
            if data.startswith(form, at):
                marked[at : at + len(form)] = b"\1" * len(form)
    out, before = b"", 0
    for byte, mark in zip(data, marked, strict=True):
        out += b"" if mark and before else MASK if mark else bytes([byte])
        before = mark
    return out


SHOWN: dict[str, Callable[[str], str]] = {
    "as it is": lambda s: s,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 behind five bytes": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 between others": lambda s: base64.b64encode(f"me:{s}@host".encode()).decode(),
    "in a URL": lambda s: quote(s, safe=""),
    "in JSON": lambda s: json.dumps({"password": s}),
    "quoted for a shell": lambda s: f"export PASSWORD={shlex.quote(s)}",
    "in double quotes": lambda s: f'PASSWORD="{s}"',
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("secret", ["correct-horse/battery", "p\"q'r s=t+u&v", "naïve-pässwörd", "abcd1234"])
def test_F5_a_secret_is_not_readable_in_any_usual_form(secret: str, shown: Callable[[str], str]) -> None:
    text = shown(secret)

    out = masked(forms_of(secret), f"before {text} after".encode())

    assert MASK in out
    assert secret.encode() not in out
    for width in range(8, 17):
        for at in range(len(secret) - width + 1):
            assert secret[at : at + width].encode() not in out


def test_F5_each_line_of_a_key_is_masked_on_its_own() -> None:
    out = masked(forms_of(PEM), b"key:\r\n  MIIEowIBAAKCAQEAwJbE\r\n  q83hQx2n5T1kzPq0Vw==\r\n")

    assert out == b"key:\r\n  ****\r\n  ****\r\n"


def test_a_short_value_is_no_secret() -> None:
    assert forms_of("8080") == frozenset()
    assert masked(forms_of("8080"), b"listening on 8080\n") == b"listening on 8080\n"


def test_what_may_yet_become_a_secret_is_held_back_and_nothing_more() -> None:
    masker = Masker(frozenset({b"correct-horse"}))

    assert masker.feed(b"the password is corr") == b"the password is "
    assert masker.held == 4
    assert masker.feed(b"ect nothing") == b"correct nothing"
    assert masker.held == 0


ALPHABET = st.sampled_from("ab")
SECRETS = st.lists(st.text(ALPHABET, min_size=8, max_size=12), min_size=1, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> tuple[frozenset[bytes], bytes, list[int]]:
    """Forms, a text made of them and of pieces of them, and where it is cut."""
    forms = frozenset(secret.encode() for secret in draw(SECRETS))
    whole = st.sampled_from(sorted(forms))
    pieces = st.one_of(whole, whole.map(lambda form: form[:7]), st.text(ALPHABET, max_size=5).map(str.encode))
    data = b"".join(draw(st.lists(pieces, max_size=8)))
    return forms, data, draw(st.lists(st.integers(0, len(data)), max_size=6))


@given(streams())
def test_F4_the_cuts_make_no_difference(stream: tuple[frozenset[bytes], bytes, list[int]]) -> None:
    forms, data, cuts = stream

    assert masked(forms, data, cuts=cuts) == by_definition(forms, data)


@given(streams())
def test_F4_a_restart_makes_no_difference(stream: tuple[frozenset[bytes], bytes, list[int]]) -> None:
    forms, data, cuts = stream
    out, taken, masker = b"", 0, Masker(forms)
    for cut in [*sorted(cuts), len(data)]:
        out += masker.feed(data[taken + masker.held : cut])
        taken = max(taken, cut - masker.held)
        masker = Masker(forms, masker.state)  # what it held is read once more

    out += masker.feed(data[taken:]) + masker.flush()

    assert out == by_definition(forms, data)


@pytest.mark.endurance
def test_F4_F5_a_hundred_thousand_secrets_are_masked_in_every_form_at_every_border() -> None:
    """Each case is another secret; over all of them each form is cut at each of its borders many times."""
    draw = random.Random(20)
    letters = "abcXYZ0189/+=._-~!$&'\"\\ (){}[]<>%#@:;,ü日"
    for case in range(100_000):
        secret = "".join(draw.choices(letters, k=draw.randint(8, 24))).strip() + "kept"
        text = list(SHOWN.values())[case % len(SHOWN)](secret).encode()
        before, after = draw.randbytes(draw.randint(0, 9)), draw.randbytes(draw.randint(0, 9))
        data = before + text + after
        border = len(before) + (case // len(SHOWN)) % (len(text) + 1)
        forms = forms_of(secret)

        out = masked(forms, data, cuts=[border, draw.randint(0, len(data))])

        assert out == masked(forms, data), (secret, text, border)
        assert MASK in out, (secret, text)
        assert secret.encode() not in out, (secret, text)
