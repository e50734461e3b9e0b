"""A directory on disk as the detector wants it: its paths, the bytes of its key files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from service.projects.keyfiles import read_limit, wanted
from service.projects.places import is_noise
from service.projects.tree import MAX_PATHS, is_plain


def read_directory(directory: Path) -> tuple[list[str], dict[str, bytes]]:
    """List the files below `directory` and read the key files among them.

    Symbolic links are neither followed nor listed, special files are left out, at most `MAX_PATHS` paths are kept.
    Raises `OSError` if the directory itself cannot be read; what lies below and cannot be read is left out.
    """
    os.scandir(directory).close()
    paths: list[str] = []
    for path in _walk(directory):
        paths.append(path)
        if len(paths) >= MAX_PATHS:
            break
    files = {
        path: content for path in wanted(paths) if (content := _read(directory / path, read_limit(path))) is not None
    }
    return paths, files


def _walk(directory: Path) -> Iterator[str]:
    """Regular files, level by level, so that a cut leaves out what lies deepest."""
    waiting = [""]
    for folder in waiting:
        try:
            with os.scandir(directory / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not is_plain(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not is_noise(entry.name) and len(waiting) < MAX_PATHS:
                    waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path


def _read(path: Path, limit: int) -> bytes | None:
    """The head of a regular file; None if it is gone, became a link or may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return file.read(limit) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None
