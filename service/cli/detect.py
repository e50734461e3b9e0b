"""`penstock detect DIR`: what kind of project a directory holds, for a person or as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from service.cli.errors import CommandFailed
from service.cli.output import show_json
from service.cli.saying import say
from service.directory import read_directory
from service.projects.detector import detect
from service.projects.model import Component, Detection

_WIDTH = 100
_FIELDS = (
    ("language", "language"),
    ("framework", "framework"),
    ("package_manager", "package manager"),
    ("install_command", "install"),
    ("build_command", "build"),
    ("test_command", "test"),
    ("lint_command", "lint"),
    ("start_command", "start"),
    ("app_object", "application"),
    ("output_dir", "output"),
    ("port", "port"),
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `detect` to the commands of the program."""
    parser = commands.add_parser(
        "detect",
        help="say what kind of project a directory holds",
        description="Say what kind of project DIR holds, with evidence. Works offline; runs nothing that it finds.",
    )
    parser.add_argument("directory", metavar="DIR", help="the directory to look at")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what `args.directory` holds. Raises `CommandFailed` if it cannot be read."""
    detection = detect_directory(Path(args.directory))
    if args.json:
        show_json(detection)
    else:
        say("\n".join(describe(detection, colour=sys.stdout.isatty())))
    return 0


def detect_directory(directory: Path) -> Detection:
    """Read a directory and say what it holds. Raises `CommandFailed` if it is not a directory that can be read."""
    try:
        paths, files = read_directory(directory)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandFailed(f"cannot read {directory}: {reason}; give a directory that you may read") from None
    return detect(paths, files)


def describe(detection: Detection, *, colour: bool = False) -> Iterator[str]:
    """The detection as lines for a terminal."""
    yield f"{_bold(detection.type, colour)}  {detection.confidence:.0%} sure{_where(detection.root)}"
    yield ""
    yield from _facts(detection)
    for component in detection.components:
        yield ""
        yield f"{_bold(component.root, colour)}  {component.type}, {component.role}"
        yield from _facts(component)
    yield from _section("because", (f"{fact.file}: {fact.fact}" for fact in detection.evidence))
    yield from _section(
        "rather than", (f"{other.type} ({other.confidence:.0%}): {other.because}" for other in detection.alternatives)
    )
    yield from _section("mind", detection.warnings)


def _facts(part: Detection | Component) -> Iterator[str]:
    rows = [(label, str(getattr(part, field))) for field, label in _FIELDS if getattr(part, field) is not None]
    if part.runtime_version:
        rows.insert(min(2, len(rows)), ("version", f"{part.runtime_version} ({part.version_source})"))
    if part.services:
        rows.append(("services", ", ".join(part.services)))
    for label, value in rows:
        yield f"  {label:<16} {value}"


def _section(title: str, entries: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    for position, entry in enumerate(entries):
        if position == 0:
            yield ""
        for line, text in enumerate(wrap(entry, _WIDTH - 19) or [entry]):
            yield f"  {title if position == line == 0 else '':<16} {text}"


def _where(root: str) -> str:
    return "" if root == "." else f", in {root}"


def _bold(text: str, colour: bool) -> str:
    return f"\033[1m{text}\033[0m" if colour else text
