"""Passwords: argon2id, by the library's own parameters."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12

_hasher = PasswordHasher()

# Verified where there is no account, so that an unknown name takes as long as a wrong password.
_NOBODYS = _hasher.hash("nobody's password")


class TooShort(ValueError):
    """The password has fewer than twelve characters."""


def hash_password(password: str) -> str:
    """Raises TooShort."""
    if len(password) < SHORTEST:
        raise TooShort(f"a password needs {SHORTEST} characters or more; this one has {len(password)}")
    return _hasher.hash(password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. Takes tens of milliseconds, in a thread; without a hash it takes them too."""

    def check() -> bool:
        try:
            return _hasher.verify(password_hash or _NOBODYS, password)
        except (VerificationError, InvalidHashError):
            return False

    return await asyncio.to_thread(check) and password_hash is not None
