"""How a language's projects are installed, built and tested in a step."""

from __future__ import annotations

from service.projects.model import Component, Detection

Part = Detection | Component


def below(part: Part, path: str) -> str:
    """A path of the part as a path of the repository."""
    return path if part.root == "." else f"{part.root}/{path}"
