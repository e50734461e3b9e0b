"""Texts from templates, an operator's own before the ones that ship."""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

__all__ = ["Environment", "environment", "shell_word"]


def environment(override: Path | None = None) -> Environment:
    """A strict environment over `templates/`; a file below `override` replaces the shipped file of the same name.

    Texts are configuration files and shell, so nothing is escaped for HTML: values enter through the filter `shell`
    or after their grammar was checked.
    """
    directories = [path for path in (override, Path(str(files("templates")))) if path is not None]
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(directory) for directory in directories]),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # with a directory of one's own nothing is kept: a file that comes later goes before the one found until then
        cache_size=400 if override is None else 0,
    )
    made.filters["shell"] = shell_word
    return made


def shell_word(text: object) -> str:
    """Quote a value as one word of a POSIX shell."""
    return shlex.quote(str(text))
