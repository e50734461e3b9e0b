"""How a language's projects are installed, built and tested in a step."""

from __future__ import annotations

import posixpath

from service.configs.commands import enter
from service.configs.grammar import InvalidValue, relative_path
from service.projects.model import Component, Detection

Part = Detection | Component


def install_root(part: Part) -> str:
    """The directory that holds the lock file, in which dependencies are installed: the part's own, or one above it.

    Raises InvalidValue when it is neither.
    """
    where = relative_path("install_root", part.install_root or part.root)
    if where not in (".", part.root) and not part.root.startswith(f"{where}/"):
        raise InvalidValue("install_root", f"{where} is not above {part.root}")
    return where


def inside(part: Part) -> str:
    """The part's directory relative to its install_root; `.` where they are one."""
    relative_path("root", part.root)
    return posixpath.relpath(part.root, install_root(part))


def installed(part: Part, *install: str) -> tuple[str, ...]:
    """Items that install where the lock file lies, and leave the step in the part's own directory."""
    return (*enter(install_root(part)), *install, *enter(inside(part)))


def beside_lock(part: Part, file: str) -> str:
    """A file beside the lock file, or that itself, as a path of the repository."""
    where = install_root(part)
    return file if where == "." else f"{where}/{file}"
