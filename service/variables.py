"""A pipeline's variables outside the database: sealed on the way in, opened on the way out, masked in logs."""

from __future__ import annotations

import hashlib
import secrets

from service.client import opened as opened_credential
from service.masking import forms_of
from service.store import credentials, repositories, variables
from service.store.database import Database
from service.store.pipelines import by_id
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


def fingerprint(vault: Vault, variable: Variable) -> str:
    """Tells whether a value is the one that was sent to Bitbucket, which never tells a secured one back."""
    return hashlib.sha256(f"{variable.key}\0{opened(vault, variable)}".encode()).hexdigest()


async def forms_of_secrets(database: Database, vault: Vault, pipeline_id: int) -> frozenset[bytes]:
    """What must not be read in the logs of a pipeline: its secured values, and what opens Bitbucket to us."""
    async with database.read() as connection:
        pipeline = await by_id(connection, pipeline_id)
        repository = await repositories.by_id(connection, pipeline.repository_id) if pipeline else None
        credential_id = repository.credential_id if repository else None
        credential = await credentials.by_id(connection, credential_id) if credential_id else None
        known = await variables.of_pipeline(connection, pipeline_id)
    texts = [opened(vault, variable) for variable in known if variable.secured]
    if credential is not None:
        texts.append(opened_credential(vault, credential))
    return frozenset().union(*map(forms_of, texts))
