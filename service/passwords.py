"""Passwords: argon2id, by the library's own parameters."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12

_hasher = PasswordHasher()


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
        if password_hash is None:
            _hasher.hash(password)  # an unknown name must take as long as a wrong password
            return False
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    return await asyncio.to_thread(check)
