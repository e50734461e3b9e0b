"""What must not be read in an execution's log."""

from __future__ import annotations

from service.client import opened as opened_credential
from service.intents import opened as opened_wish
from service.masking import forms_of
from service.store import credentials, repositories, variables, work
from service.store.database import Database
from service.store.executions import Execution
from service.variables import opened
from service.vault import Vault


async def forms_of_secrets(database: Database, vault: Vault, execution: Execution) -> frozenset[bytes]:
    """Of its pipeline's secured values, of those that it was started with, and of what opens Bitbucket to us."""
    async with database.read() as connection:
        repository = await repositories.by_id(connection, execution.repository_id)
        credential_id = repository.credential_id if repository else None
        credential = await credentials.by_id(connection, credential_id) if credential_id else None
        known = await variables.of_pipeline(connection, execution.pipeline_id)
        asked = await work.payload_of(connection, "start", str(execution.id))
    texts = [opened(vault, variable) for variable in known if variable.secured]
    if credential is not None:
        texts.append(opened_credential(vault, credential))
    if asked is not None:
        wish = opened_wish(vault, asked["wish"], execution.id)
        texts += [value for _, value, secured in wish.variables if secured]
    return frozenset().union(*map(forms_of, texts))
