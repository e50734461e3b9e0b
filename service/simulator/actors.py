"""Who acts in the simulated cloud."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Literal


def new_uuid() -> str:
    """A uuid as Bitbucket writes it: the braces belong to it."""
    return f"{{{uuid.uuid4()}}}"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a team (an old workspace that acts by itself) or the pseudo-user behind an access token."""

    name: str
    kind: Literal["user", "team", "app_user"] = "user"
    email: str = ""
    uuid: str = field(default_factory=new_uuid)

    @property
    def account_id(self) -> str:
        return f"712020:{hashlib.sha256(self.uuid.encode()).hexdigest()[:24]}"

    @property
    def username(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def raw(self) -> str:
        """The author as git writes it."""
        return f"{self.name} <{self.email or f'{self.username}@example.com'}>"


MAYA = Actor("Maya Lindqvist")
"""Does whatever a story does not ascribe to somebody else."""
