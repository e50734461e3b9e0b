"""Secrets at rest open where they were sealed, with a key that is held, and nowhere else."""

from __future__ import annotations

import base64
import stat
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.vault import BadKey, CannotOpen, Vault, WrongPassphrase, keys_of, read_keys, unwrapped, wrapped

OLD, NEW = sha256(b"old").digest(), sha256(b"new").digest()
SLASHES = bytes(range(224, 256))  # its base64 has what the two spellings write otherwise
PLACE = {"table": "hooks", "column": "secret", "row": "1"}


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens_again_at_its_place(plain: bytes, row: str) -> None:
    place = {**PLACE, "row": row}

    assert Vault([NEW]).open(Vault([NEW]).seal(plain, **place), **place) == plain


def test_the_same_secret_is_never_sealed_the_same_way() -> None:
    vault = Vault([NEW])

    assert len({vault.seal(b"secret", **PLACE) for _ in range(50)}) == 50


@pytest.mark.parametrize("part", ["table", "column", "row"])
def test_F9_a_value_that_was_copied_to_another_place_does_not_open(part: str) -> None:
    sealed = Vault([NEW]).seal(b"secret", **PLACE)

    with pytest.raises(CannotOpen, match="altered, or copied"):
        Vault([NEW]).open(sealed, **{**PLACE, part: "other"})


@pytest.mark.parametrize("place", range(1 + 4 + 12 + 6 + 16))
def test_a_value_of_which_any_byte_was_altered_does_not_open(place: int) -> None:
    sealed = bytearray(Vault([NEW]).seal(b"secret", **PLACE))
    sealed[place] ^= 1

    with pytest.raises(CannotOpen):
        Vault([NEW]).open(bytes(sealed), **PLACE)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"plain text that was never sealed"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        Vault([NEW]).open(sealed, **PLACE)


def test_a_truncated_value_does_not_open() -> None:
    sealed = Vault([NEW]).seal(b"secret", **PLACE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            Vault([NEW]).open(sealed[:length], **PLACE)


def test_during_a_rotation_both_keys_open_and_the_first_seals() -> None:
    before = Vault([OLD]).seal(b"secret", **PLACE)
    after = Vault([NEW, OLD]).seal(b"secret", **PLACE)

    assert Vault([NEW, OLD]).open(before, **PLACE) == b"secret"
    assert Vault([NEW]).open(after, **PLACE) == b"secret"
    with pytest.raises(CannotOpen, match=r"hooks\.secret of 1 was sealed with a key"):
        Vault([NEW]).open(before, **PLACE)


def test_neither_a_vault_nor_its_errors_show_a_secret() -> None:
    vault = Vault([NEW])
    with pytest.raises(CannotOpen) as refused:
        vault.open(b"\x01secret", **PLACE)

    assert written(NEW)[:8] not in f"{vault!r} {refused.value}"
    assert "secret-" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (written(NEW), [NEW]),
        (f" {written(NEW)} ,{written(OLD)}, ", [NEW, OLD]),
        (base64.urlsafe_b64encode(SLASHES).decode(), [SLASHES]),
        (base64.b64encode(SLASHES).decode(), [SLASHES]),
    ],
)
def test_keys_are_read_from_either_spelling_of_base64(text: str, keys: list[bytes]) -> None:
    assert read_keys(text) == keys


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "PENSTOCK_SECRET_KEYS holds no key"),
        (" , ", "PENSTOCK_SECRET_KEYS holds no key"),
        ("short", "key 1 of PENSTOCK_SECRET_KEYS"),
        (f"{written(NEW)},{written(NEW)[:-4]}", "key 2 of PENSTOCK_SECRET_KEYS"),
        ("ü" * 44, "key 1 of PENSTOCK_SECRET_KEYS"),
        (f"{written(NEW)},{written(bytes(32))}", "key 2 of PENSTOCK_SECRET_KEYS is no random one"),
    ],
)
def test_a_key_that_is_none_is_named_by_its_place_and_not_shown(text: str, told: str) -> None:
    with pytest.raises(BadKey, match=told) as refused:
        read_keys(text)

    assert "openssl rand -base64 32" in str(refused.value)
    assert not text.strip(" ,") or text not in str(refused.value)


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"

    first, second = keys_of(path), keys_of(path)

    assert first == second
    assert len(first[0]) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["secret.keys"]


def test_processes_that_start_together_use_one_key(tmp_path: Path) -> None:
    found: list[list[bytes]] = []
    start = threading.Barrier(8)

    def begin() -> None:
        start.wait()
        found.append(keys_of(tmp_path / "secret.keys"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert all(keys == found[0] for keys in found)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"not a key\n"])
def test_a_key_file_that_holds_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.keys"
    path.write_bytes(content)

    with pytest.raises(BadKey, match=r"secret\.keys"):
        keys_of(path)


def test_a_key_file_may_hold_several_keys_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "secret.keys"
    path.write_text(f"{written(NEW)}\n{written(OLD)}\n")

    assert keys_of(path) == [NEW, OLD]


EXAMPLES = [bytes(32), b"\xff" * 32, b"0123456789abcdef" * 2, b"change-me-change-me-change-me-32", bytes(range(8)) * 4]


@pytest.mark.parametrize("key", EXAMPLES)
def test_A8_a_key_that_somebody_made_up_is_refused(key: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.keys").write_text(written(key))

    with pytest.raises(BadKey, match="no random one"):
        read_keys(written(key))
    with pytest.raises(BadKey, match="no random one"):
        keys_of(tmp_path / "secret.keys")


@given(st.binary(min_size=32, max_size=32))
def test_A8_what_chance_makes_is_taken(chance: bytes) -> None:
    key = sha256(chance).digest()

    assert read_keys(written(key)) == [key]


def test_keys_come_out_of_their_wrapping_by_the_passphrase_alone() -> None:
    text = wrapped([NEW, OLD], "a long enough passphrase")

    assert unwrapped(text, "a long enough passphrase") == [NEW, OLD]
    assert written(NEW)[:20] not in text
    assert wrapped([NEW], "a long enough passphrase") != wrapped([NEW], "a long enough passphrase")
    for wrong in ("A long enough passphrase", ""):
        with pytest.raises(WrongPassphrase):
            unwrapped(text, wrong)
    for altered in (text[:-8], text[4:], "", "not base64", text.swapcase()):
        with pytest.raises(WrongPassphrase):
            unwrapped(altered, "a long enough passphrase")
