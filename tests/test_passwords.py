"""Passwords are hashed slowly, and refused without telling why."""

from __future__ import annotations

import pytest

from service import passwords
from service.passwords import TooShort, hash_password, matches

PASSWORD = "correct horse battery"


@pytest.mark.anyio
async def test_a_password_matches_its_own_hash_and_no_other() -> None:
    hashed = hash_password(PASSWORD)

    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in hashed
    assert await matches(hashed, PASSWORD)
    assert not await matches(hashed, PASSWORD + " ")
    assert not await matches(hashed, "")
    assert hash_password(PASSWORD) != hashed


@pytest.mark.anyio
@pytest.mark.parametrize("hashed", [None, "", "plain text", "$argon2id$v=19$broken"])
async def test_without_a_hash_that_can_be_read_nothing_matches(hashed: str | None) -> None:
    assert not await matches(hashed, PASSWORD)


@pytest.mark.anyio
async def test_an_unknown_name_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting:
        hashes = 0

        def hash(self, password: str) -> str:
            self.hashes += 1
            return ""

    counting = Counting()
    monkeypatch.setattr(passwords, "_hasher", counting)

    assert not await matches(None, PASSWORD)
    assert counting.hashes == 1


@pytest.mark.parametrize("password", ["", "eleven char", "é" * 11])
def test_a_short_password_is_refused_with_its_length(password: str) -> None:
    with pytest.raises(TooShort, match=f"12 characters or more; this one has {len(password)}"):
        hash_password(password)
