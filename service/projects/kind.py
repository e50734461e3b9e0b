"""What one kind of project is: how it is recognised, and how it is described once it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.projects.folder import Folder
from service.projects.model import Component, Evidence, Role

# Below this a claim only says "some of this language lies here": it never decides against a surer one.
CERTAIN = 0.5


@dataclass(frozen=True, slots=True)
class Claim:
    """One kind's statement about a folder. A `library` is published or shared, not served."""

    confidence: float
    evidence: tuple[Evidence, ...]
    framework: str | None = None
    library: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of project; a new one is a file with a `KIND` and a line in the registry.

    `recognise` looks at one folder on its own. `describe` fills the commands, paths and ports of a folder that was
    recognised; type, role, root and evidence are filled in by the caller.
    """

    type: str
    role: Role
    language: str | None
    recognise: Callable[[Folder], Claim | None]
    describe: Callable[[Folder], Component]
