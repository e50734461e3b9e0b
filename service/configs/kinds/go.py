"""A backend in Go beside its frontend: one program, built in the image of the language and run as a unit.

A Go project alone travels as an image; in a release of two parts an image would be a second thing to switch.
"""

from __future__ import annotations

import re

from service.configs.commands import enter, script_items
from service.configs.plan import Cache, Decision, Plan, Site, Work
from service.configs.toolchains import Part, beside_lock

DEFAULT_PORT = 8080
DEFAULT_VERSION = "1.24"
_VERSION = re.compile(r"[0-9]+\.[0-9]+", re.ASCII)

# Programs of the module land in one directory, under names that only the module knows.
_ONE_PROGRAM = """\
programs=$(find /tmp/programs -type f | sort)
if [ "$(printf '%s\\n' "$programs" | wc -l)" -ne 1 ] || [ -z "$programs" ]; then
  echo "the module must have one program to be the backend; it has: $programs" >&2
  exit 1
fi
mv "$programs" /tmp/programs/server
"""


def as_backend(part: Part) -> Plan:
    """The program and what git knows of the part, under systemd as servers in Python are."""
    return Plan(
        builds=(_build(part),),
        checks=_checks(part),
        deploy_image=image(part),
        install="fullstack",
        run="systemd",
        site=Site(proxied=True),
        port=part.port or DEFAULT_PORT,
        values={
            "app_dir": "backend",
            "site_dir": None,
            "backend": "program",
            "start_command": "./server",
            # gin prints a page of warnings otherwise, and means it
            "start_environment": "GIN_MODE=release",
        },
        decisions=_decisions(part),
    )


def version(part: Part) -> str:
    """The version of the language, `major.minor`."""
    stated = part.runtime_version or ""
    return stated if _VERSION.fullmatch(stated) else DEFAULT_VERSION


def image(part: Part) -> str:
    """The image of the steps."""
    return f"golang:{version(part)}-bookworm"


def _cache(part: Part) -> Cache:
    return Cache(name="go", path="/go/pkg/mod", key_files=(beside_lock(part, "go.mod"),))


def _build(part: Part) -> Work:
    items = (
        *enter(part.root),
        "mkdir -p /tmp/programs",
        "CGO_ENABLED=0 go build -trimpath -o /tmp/programs/ ./...",
        _ONE_PROGRAM,
        # Below the top, git archives the directory it stands in.
        "git archive --format=tar --output=/tmp/release.tar HEAD",
        "tar -rf /tmp/release.tar -C /tmp/programs server",
        'gzip -c /tmp/release.tar > "$BITBUCKET_CLONE_DIR/backend.tar.gz"',
    )
    return Work(
        name="Build backend", image=image(part), script=items, caches=(_cache(part),), artifact="backend.tar.gz"
    )


def _checks(part: Part) -> tuple[Work, ...]:
    """What the image can run: a linter that it does not hold gives way to the compiler's own."""
    lint = part.lint_command if (part.lint_command or "").startswith("go ") else "go vet ./..."
    found = []
    for name, command in (("Lint", lint), ("Test", part.test_command)):
        if command is None:
            continue
        script = (*enter(part.root), *script_items(f"{name.lower()}_command", command))
        services = part.services if name == "Test" else ()
        needs = tuple(one for one in services if one in ("postgres", "redis", "mysql", "mongo"))
        found.append(
            Work(name=f"{name} backend", image=image(part), script=script, caches=(_cache(part),), services=needs)
        )
    return tuple(found)


def _decisions(part: Part) -> tuple[Decision, ...]:
    stated = f"{part.version_source} states it" if part.runtime_version and part.version_source else "none is stated"
    return (
        Decision("image", image(part), f"{stated}; the server needs no Go", "go.mod"),
        Decision("program", "server", "the one program of the module, without a C library", "package main"),
        Decision(
            "process",
            "systemd",
            "restarts within a second; the candidate answers meanwhile, being nginx's backup",
            "templates/systemd/service.service",
        ),
        Decision("environment_port", "PORT", "the program must listen on the port in $PORT", "--port"),
    )
