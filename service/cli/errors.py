"""How a command says that it failed."""

from __future__ import annotations


class CommandFailed(Exception):
    """A command cannot do what it was asked; its text is the one line for standard error, and the exit status is 1."""
