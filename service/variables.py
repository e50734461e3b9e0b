"""A pipeline's variables outside the database: sealed on the way in, opened on the way out."""

from __future__ import annotations

import secrets

from service.store.variables import Variable
from service.vault import Vault

_PLACE = {"table": "variables", "column": "value"}


def sealed(vault: Vault, key: str, value: str, *, secured: bool, environment_id: int | None = None) -> Variable:
    """A variable as it is stored, with a place of its own."""
    place = secrets.token_hex(16)
    return Variable(
        key=key,
        secured=secured,
        place=place,
        value=vault.seal(value.encode(), row=place, **_PLACE),
        environment_id=environment_id,
    )


def opened(vault: Vault, variable: Variable) -> str:
    """Raises CannotOpen."""
    return vault.open(variable.value, row=variable.place, **_PLACE).decode()
