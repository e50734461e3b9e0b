"""Secrets at rest: AES-256-GCM, bound to the row and column they stand in.

A sealed value is `1 | key id (4 bytes) | nonce (12) | ciphertext and tag`. The place (table, column, row) is associated
data: a value copied to another row does not open. The first key seals, every key opens, so that keys can be rotated
row by row without a moment at which nothing opens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

VERSION = b"\x01"

# A key that somebody has made up, or copied from an example, repeats itself more than chance does.
FEWEST = 16


class BadKey(ValueError):
    """A key is not 32 bytes in base64: make one with `openssl rand -base64 32`."""


class WrongPassphrase(ValueError):
    """Keys that were wrapped do not come out by it, or the text was altered."""


class CannotOpen(RuntimeError):
    """A sealed value does not open: its key is missing from PENSTOCK_SECRET_KEYS, or the row was tampered with."""


class Vault:
    """Seals and opens. `keys` are 32 bytes each, the first one seals.

    `reread` gives the keys as they are by now: they are asked for when a value was sealed with one that is not known,
    so that a process that runs while keys are rotated goes on opening.
    """

    def __init__(self, keys: list[bytes], *, reread: Callable[[], list[bytes]] | None = None) -> None:
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._first = _key_id(keys[0])
        self._reread = reread

    def seal(self, plain: bytes, *, table: str, column: str, row: str) -> bytes:
        nonce = os.urandom(12)
        sealed = self._keys[self._first].encrypt(nonce, plain, _place(table, column, row))
        return VERSION + self._first + nonce + sealed

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Raises CannotOpen, which names the place and never the value."""
        key = self._keys.get(sealed[1:5]) or self._found_again(sealed[1:5])
        if sealed[:1] != VERSION or key is None:
            raise CannotOpen(f"{table}.{column} of {row} was sealed with a key that PENSTOCK_SECRET_KEYS does not hold")
        try:
            return key.decrypt(sealed[5:17], sealed[17:], _place(table, column, row))
        except (InvalidTag, ValueError):  # the second for what is shorter than a nonce
            raise CannotOpen(f"{table}.{column} of {row} was altered, or copied from another row") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed[:5] == VERSION + self._first

    def _found_again(self, key_id: bytes) -> AESGCM | None:
        if self._reread is not None:
            self._keys |= {_key_id(key): AESGCM(key) for key in self._reread()}
        return self._keys.get(key_id)

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} keys)"


def read_keys(text: str, *, where: str = "PENSTOCK_SECRET_KEYS") -> list[bytes]:
    """The keys in a comma-separated list of base64 texts. Raises BadKey, naming the place in the list."""
    keys = []
    for place, word in enumerate((word.strip() for word in text.split(",") if word.strip()), 1):
        try:
            key = base64.b64decode(word, altchars=b"-_" if "-" in word or "_" in word else None, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise BadKey(f"key {place} of {where} is not 32 bytes in base64: `openssl rand -base64 32` makes one")
        if len(set(key)) < FEWEST or all(32 <= byte < 127 for byte in key):
            raise BadKey(f"key {place} of {where} is no random one: `openssl rand -base64 32` makes one")
        keys.append(key)
    if not keys:
        raise BadKey(f"{where} holds no key: `openssl rand -base64 32` makes one")
    return keys


def keys_of(path: Path) -> list[bytes]:
    """The keys in the file, which is made with one new key, readable by its owner alone, where there is none.

    Raises BadKey. It is there whole or not at all: of two processes that start together both use the same key, and
    a kill in the middle leaves nothing behind that the next start would stumble over.
    """
    if not path.exists():
        _make_keys(path)
    return read_keys(path.read_text(encoding="ascii", errors="replace").replace("\n", ","), where=str(path))


def add_key(path: Path) -> None:
    """Puts a new key in front of those in the file; the others still open."""
    _write_keys(path, [secrets.token_bytes(32), *keys_of(path)])


def add_known_keys(path: Path, keys: list[bytes]) -> None:
    """Puts keys into the file, in front; those that are there already stay."""
    held = keys_of(path) if path.exists() else []
    _write_keys(path, [*keys, *(key for key in held if key not in keys)])


def wrapped(keys: list[bytes], passphrase: str) -> str:
    """The keys as a text that only the passphrase opens. It takes a moment, and 64 MB: so does each guess."""
    salt, nonce = os.urandom(16), os.urandom(12)
    return base64.b64encode(salt + nonce + _wrapping(passphrase, salt).encrypt(nonce, b"".join(keys), None)).decode()


def unwrapped(text: str, passphrase: str) -> list[bytes]:
    """Raises WrongPassphrase."""
    try:
        raw = base64.b64decode(text, validate=True)
        joined = _wrapping(passphrase, raw[:16]).decrypt(raw[16:28], raw[28:], None)
    except (InvalidTag, ValueError):
        raise WrongPassphrase("the passphrase is wrong, or the keys were altered") from None
    return [joined[place : place + 32] for place in range(0, len(joined), 32)]


def _wrapping(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**16, r=8, p=1).derive(passphrase.encode()))


def drop_old_keys(path: Path) -> int:
    """Keeps the first key alone; how many went. What only they opened is lost."""
    first, *old = keys_of(path)
    _write_keys(path, [first])
    return len(old)


def _make_keys(path: Path) -> None:
    draft = _draft(path, [secrets.token_bytes(32)])
    try:
        with suppress(FileExistsError):  # somebody else was faster, and his key counts
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _write_keys(path: Path, keys: list[bytes]) -> None:
    draft = _draft(path, keys)
    try:
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path, keys: list[bytes]) -> Path:
    """A file beside it with the keys, on disk, for its owner alone."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"penstock key id" + key).digest()[:4]


def _place(table: str, column: str, row: str) -> bytes:
    return f"penstock|1|{table}|{column}|{row}".encode()
