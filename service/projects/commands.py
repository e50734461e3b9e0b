"""Commands that somebody wrote down to start a server: which application they serve, on which port."""

from __future__ import annotations

import re
import shlex

_APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(\))?")


def served_application(command: str) -> str | None:
    """The object in `gunicorn app.wsgi:application -b :8000` and its kind; None if no such server is called."""
    words = _words(command)
    servers = ("gunicorn", "uvicorn", "hypercorn", "daphne", "waitress-serve", "granian", "uwsgi")
    start = next((index for index, word in enumerate(words) if word.rpartition("/")[2] in servers), len(words))
    arguments = zip(words[start:], words[start + 1 :], strict=False)
    # `-c python:settings` looks like an object but is gunicorn's configuration
    found = (word for option, word in arguments if option not in ("-c", "--config") and _APPLICATION.fullmatch(word))
    return next(found, None)


def command_port(command: str) -> int | None:
    """The port in a command line: `PORT=4100`, `-p 3001`, `--port=8000`, `--bind 0.0.0.0:8000`, `runserver 0:8000`."""
    match = re.search(
        r"(?:\bPORT=|(?:^|\s)(?:-p|--port)[ =]|(?:^|\s)(?:-b|--bind)[ =]\"?[\w.\[\]:]*?:|runserver \S*?:)(\d{2,5})\b",
        command,
    )
    return port_number(match[1]) if match else None


def _words(command: str) -> list[str]:
    """The words of a command line, those of the command in `sh -c "…"` included."""
    try:
        return [inner for word in shlex.split(command) for inner in word.split()]
    except ValueError:
        return command.split()


def procfile(source: str) -> dict[str, str]:
    """The process types of a Procfile with their commands."""
    return dict(re.findall(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*)$", source, re.MULTILINE))


def port_number(text: str) -> int | None:
    """The port that `8000` or `8000/tcp` names."""
    digits = text.partition("/")[0]
    return (
        int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536 else None
    )
