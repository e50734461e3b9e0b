"""The command line: one file per group of commands."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from service.cli.errors import CommandFailed
from service.cli.saying import one_line, say

# Word → the file that has its command. Only the file that is asked for is imported: a start should be quick.
COMMANDS = {
    "serve": "service.cli.serve",
    "demo": "service.cli.demo",
    "detect": "service.cli.detect",
    "generate": "service.cli.generate",
    "user": "service.cli.accounts",
    "token": "service.cli.accounts",
    "deliveries": "service.cli.deliveries",
    "status": "service.cli.terminal",
    "trigger": "service.cli.terminal",
    "logs": "service.cli.terminal",
    "rollback": "service.cli.rolling_back",
    "hold": "service.cli.holding",
    "events": "service.cli.terminal",
    "why": "service.cli.looking",
    "doctor": "service.cli.looking",
    "db": "service.cli.db",
    "keys": "service.cli.keys",
    "audit": "service.cli.audit",
    "backup": "service.cli.backup",
    "restore": "service.cli.restore",
    "export": "service.cli.transfer",
    "import": "service.cli.transfer",
    "openapi": "service.cli.reference",
    "settings": "service.cli.reference",
    "diagram": "service.cli.reference",
}


def main(argv: list[str] | None = None) -> None:
    """Ends the process: 0 for success, 1 for a failure with one line on standard error, 2 for wrong usage."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser(words).parse_args(words)
    try:
        status = args.run(args)
        sys.stdout.flush()
    except CommandFailed as failure:
        say(f"penstock: {one_line(str(failure))}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would complain
        status = 0
    sys.exit(status)


def _parser(words: list[str]) -> argparse.ArgumentParser:
    from service import __version__

    parser = argparse.ArgumentParser(prog="penstock", description="The control room for Bitbucket Pipelines.")
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    asked = COMMANDS.get(words[0]) if words else None
    for module in dict.fromkeys([asked] if asked else COMMANDS.values()):
        import_module(module).add_parser(commands)
    return parser
