"""The floor plan: a module imports only from the floors below its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Room → floor. The longest name that fits a module decides. Rooms of one floor may import each other only where they
# are one room (the same line here).
FLOORS = {
    "service": 0,
    "service.events": 0,
    "service.machine": 0,
    "service.routing": 0,
    "service.clock": 0,
    "service.failpoints": 0,
    "service.bitbucket": 1,
    "service.projects": 1,
    "service.configs": 1,
    "service.render": 1,
    "service.rollback": 1,
    "service.syncing": 1,
    "service.settings": 1,
    "service.masking": 1,
    "service.merging": 1,
    "service.passwords": 1,
    "service.logs": 1,
    "service.notifications": 1,
    "service.verdicts": 1,
    "service.store": 2,
    "service.bus": 2,
    "service.client": 2,
    "service.vault": 2,
    "service.directory": 2,
    "service.addresses": 2,
    "service.outbound": 2,
    "service.apprise": 2,
    "service.mail": 2,
    "service.remote": 2,
    "service.recorder": 3,
    "service.reporting": 3,
    "service.feed": 3,
    "service.generation": 3,
    "service.grounds": 3,
    "service.changes": 3,
    "service.drift": 3,
    "service.proposals": 3,
    "service.backup": 3,
    "service.transfer": 3,
    "service.consequences": 3,
    "service.history": 3,
    "service.approving": 3,
    "service.holding": 3,
    "service.verification": 3,
    "service.launching": 3,
    "service.occupancy": 3,
    "service.promotion": 3,
    "service.reverting": 3,
    "service.sightings": 3,
    "service.variables": 3,
    "service.intents": 3,
    "service.why": 3,
    "service.doctor": 3,
    "handlers": 4,
    "service.web": 5,
    "service.workers": 5,
    "service.app": 6,
    "service.workforce": 6,
    "service.simulator": 6,
    "service.cli": 6,
    "service.__main__": 6,
}

# Within a floor, who may look into which other room, and why.
NEIGHBOURS = {
    ("service.machine", "service.events"),  # the table's columns are events' words
    ("service.configs", "service.projects"),  # the generator reads what the detector answers
    ("service.configs", "service.render"),
    ("service.notifications", "service.bitbucket"),
    ("service.notifications", "service.render"),
    ("service.syncing", "service.bitbucket"),
    ("service.client", "service.store"),  # credentials, and the budget of calls that all processes share, are rows
    ("service.client", "service.vault"),
    ("service.intents", "service.history"),
    ("service.intents", "service.recorder"),
    ("service.sightings", "service.history"),
    ("service.sightings", "service.recorder"),
    ("service.client", "service.addresses"),
    ("service.outbound", "service.addresses"),
    ("service.outbound", "service.client"),  # one request out, one answer in, within bounds
    ("service.apprise", "service.addresses"),
    ("service.apprise", "service.outbound"),  # the ports of links
    ("service.remote", "service.client"),
    ("service.generation", "service.recorder"),
    ("service.grounds", "service.generation"),
    ("service.changes", "service.grounds"),
    ("service.drift", "service.recorder"),
    ("service.proposals", "service.generation"),
    ("service.changes", "service.recorder"),
    ("service.transfer", "service.recorder"),
    ("service.transfer", "service.variables"),
    ("service.approving", "service.history"),
    ("service.approving", "service.launching"),
    ("service.approving", "service.recorder"),
    ("service.consequences", "service.holding"),
    ("service.consequences", "service.occupancy"),
    ("service.consequences", "service.recorder"),
    ("service.consequences", "service.verification"),
    ("service.history", "service.verification"),
    ("service.holding", "service.occupancy"),
    ("service.holding", "service.recorder"),
    ("service.launching", "service.history"),
    ("service.launching", "service.intents"),
    ("service.launching", "service.occupancy"),
    ("service.launching", "service.recorder"),
    ("service.occupancy", "service.recorder"),
    ("service.reverting", "service.consequences"),
    ("service.reverting", "service.generation"),
    ("service.reverting", "service.history"),
    ("service.reverting", "service.holding"),
    ("service.reverting", "service.intents"),
    ("service.reverting", "service.launching"),
    ("service.reverting", "service.occupancy"),
    ("service.reverting", "service.recorder"),
    ("service.reverting", "service.variables"),
    ("service.history", "service.consequences"),  # what an execution's move brings with it
    ("service.history", "service.recorder"),  # history is written through the one writer
    ("service.doctor", "service.recorder"),
    ("service.app", "service.workforce"),
    ("service.cli", "service.app"),
    ("service.cli", "service.simulator"),
    ("service.__main__", "service.cli"),
}

# Libraries that only some rooms may know.
KEPT_TO = {
    "sqlalchemy": ("service.store", "service.bus", "service.recorder", "service.workers.inbox", "service.cli"),
    "alembic": ("service.store",),
    "aiosqlite": ("service.store",),
    "asyncpg": ("service.store", "service.bus"),
    "redis": ("service.bus",),
    "starlette": ("service.web", "service.app", "service.simulator"),
    "uvicorn": ("service.web", "service.simulator"),
    "cryptography": ("service.vault",),
    "authlib": ("service.client",),
    "apprise": ("service.apprise",),
    "requests": ("service.apprise",),
    "argon2": ("service.passwords",),
    "jinja2": ("service.render", "service.configs"),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("service", "handlers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue  # run by Alembic, imported by nobody
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def room_of(module: str) -> str:
    fitting = [room for room in FLOORS if module == room or module.startswith(room + ".")]
    return max(fitting, key=len)


def imports(path: Path, module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written out"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else node.module or ""


MODULES = list(modules())
NAMES = {name for name, _ in MODULES}


def test_every_module_has_a_room() -> None:
    homeless = [name for name, _ in MODULES if room_of(name) == "service" and name not in ("service",)]

    assert homeless == []


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_from_lower_floors(module: str, path: Path) -> None:
    room = room_of(module)
    wrong = []
    for imported in imports(path, module):
        if not imported.startswith(("service", "handlers")):
            continue
        other = room_of(imported)
        if other == room or (room, other) in NEIGHBOURS:
            continue
        if FLOORS[other] >= FLOORS[room] and not (other == "service" and imported == "service"):
            wrong.append(f"{imported} (floor {FLOORS[other]})")

    assert wrong == [], f"{module} is on floor {FLOORS[room]}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_library_is_known_only_where_it_is_needed(module: str, path: Path) -> None:
    wrong = [
        library
        for library in {imported.partition(".")[0] for imported in imports(path, module)}
        if library in KEPT_TO and not module.startswith(KEPT_TO[library])
    ]

    assert wrong == []


def test_handlers_do_not_know_each_other() -> None:
    wrong = [
        (module, imported)
        for module, path in MODULES
        if module.startswith("handlers.")
        for imported in imports(path, module)
        if imported.startswith("handlers.") and imported != "handlers.desk"
    ]

    assert wrong == []


def test_the_top_level_holds_what_was_agreed() -> None:
    shown = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - IGNORED

    assert shown == {
        "service",
        "handlers",
        "templates",
        "tests",
        "pyproject.toml",
        "Dockerfile",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }


# What tools leave behind in a checkout; .gitignore names it too.
IGNORED = {"build", "dist", "penstock-data", "penstock.egg-info", "venv", "node_modules", "__pycache__"}
