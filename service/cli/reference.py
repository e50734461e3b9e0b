"""What the README's tables are printed from."""

from __future__ import annotations

import argparse

from service import machine, settings
from service.cli.output import show_json, show_table
from service.cli.saying import say


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = commands.add_parser("settings", help="every setting with its default and meaning")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=show_settings)
    openapi = commands.add_parser("openapi", help="the API as an OpenAPI 3.1 document")
    openapi.set_defaults(run=show_openapi)
    diagram = commands.add_parser("diagram", help="the state machine as a Mermaid diagram")
    diagram.set_defaults(run=show_diagram)


def show_settings(args: argparse.Namespace) -> int:
    rows = settings.table()
    if args.json:
        show_json([{"name": name, "default": default, "meaning": meaning} for name, default, meaning in rows])
    else:
        show_table(["NAME", "DEFAULT", "MEANING"], rows)
    return 0


def show_diagram(args: argparse.Namespace) -> int:
    say(machine.diagram(), end="")
    return 0


def show_openapi(args: argparse.Namespace) -> int:
    from service.web.reference import encoded

    say(encoded().decode())
    return 0
