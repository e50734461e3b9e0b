"""Steps of Python projects: image, package manager, wheels, tests."""

from __future__ import annotations

import re
import shlex

from service.configs import grammar
from service.configs.commands import enter, script_items
from service.configs.plan import Cache, Decision, Work
from service.configs.toolchains import Part, beside_lock, inside, installed

DEFAULT_PYTHON = "3.12"
REQUIREMENTS = "requirements.release.txt"

# package manager → (what puts it into the image, lock file, what writes the production requirements)
_LOCKED: dict[str, tuple[str, str, str]] = {
    "uv": (
        "uv",
        "uv.lock",
        f"uv export --quiet --frozen --no-dev --no-emit-project --no-hashes --output-file {REQUIREMENTS}",
    ),
    "poetry": (
        "poetry poetry-plugin-export",
        "poetry.lock",
        f"poetry export --quiet --without-hashes --only main --output {REQUIREMENTS}",
    ),
    "pdm": ("pdm", "pdm.lock", f"pdm export --prod --without-hashes --output {REQUIREMENTS}"),
}
_REQUIREMENT_FILE = re.compile(r"(?:-r|--requirement)[ =](\S+)")


def version(part: Part) -> str:
    """The Python of the steps, `major.minor`; the server must have the same one, wheels are made for it."""
    stated = part.runtime_version or ""
    return stated if re.fullmatch(r"3\.[0-9]{1,2}", stated) else DEFAULT_PYTHON


def image(part: Part) -> str:
    """The image of the steps."""
    return f"python:{version(part)}-bookworm"


def requirements_file(part: Part) -> str:
    """The requirements file that the detected install command names, relative to the part."""
    found = _REQUIREMENT_FILE.search(part.install_command or "")
    return grammar.relative_path("install_command", found[1].strip("'\"")) if found else "requirements.txt"


def cache(part: Part) -> Cache:
    """pip's download cache, kept per file that names the versions."""
    manager = part.package_manager or "pip"
    if manager in _LOCKED:
        return Cache(name="pip", path="~/.cache/pip", key_files=(beside_lock(part, _LOCKED[manager][1]),))
    if manager == "pipenv":
        return Cache(name="pip", path="~/.cache/pip", key_files=(beside_lock(part, "Pipfile.lock"),))
    if _installs_project(part):
        return Cache(name="pip", path="~/.cache/pip", key_files=(beside_lock(part, "pyproject.toml"),))
    return Cache(name="pip", path="~/.cache/pip", key_files=(beside_lock(part, requirements_file(part)),))


def gathered(part: Part, *servers: str) -> tuple[str, ...]:
    """Items that go to the part, with `wheelhouse/` and the requirements of the release in it."""
    if inside(part) == ".":
        return (*enter(part.root), *wheels(part, *servers))
    # What requirements name is relative to them, and they stay behind: the release names its wheels instead.
    named = f"ls wheelhouse | sed -n 's/-.*//p' | sort -u > {REQUIREMENTS}"
    moved = shlex.join(["mv", "wheelhouse", REQUIREMENTS, inside(part)])
    return installed(part, "set -o pipefail", *wheels(part, *servers), named, moved)


def wheels(part: Part, *servers: str) -> tuple[str, ...]:
    """Items that leave `wheelhouse/` and the requirements that the server installs from it, without a network."""
    manager = part.package_manager or "pip"
    if manager in _LOCKED:
        tool, _, export = _LOCKED[manager]
        first: tuple[str, ...] = (f"python3 -m pip install --quiet {tool}", export)
    elif manager == "pipenv":
        first = ("python3 -m pip install --quiet pipenv", f"pipenv requirements > {REQUIREMENTS}")
    elif _installs_project(part):
        first = (
            "set -o pipefail",
            "python3 -m pip wheel --quiet --wheel-dir wheelhouse .",
            f"ls wheelhouse | sed -n 's/-.*//p' | sort -u > {REQUIREMENTS}",
        )
    else:
        # Named, not copied: what the file itself names is relative to it.
        first = (f"printf '%s\\n' {shlex.quote('-r ' + requirements_file(part))} > {REQUIREMENTS}",)
    adds = tuple(f"printf '%s\\n' {shlex.quote(name)} >> {REQUIREMENTS}" for name in servers)
    links = " --find-links wheelhouse" if _installs_project(part) else ""
    return (*first, *adds, f"python3 -m pip wheel --quiet --wheel-dir wheelhouse{links} -r {REQUIREMENTS}")


def _installs_project(part: Part) -> bool:
    return bool(re.search(r"pip install (?:-e )?\.(?:\[|\s|$)", part.install_command or ""))


def install(part: Part) -> tuple[str, ...]:
    """Items that install the dependencies for the tests, where the lock file lies, and go to the part."""
    manager = part.package_manager or "pip"
    tools = {**{name: entry[0] for name, entry in _LOCKED.items()}, "pipenv": "pipenv"}
    setup = (f"python3 -m pip install --quiet {tools[manager]}",) if manager in tools else ()
    default = f"python3 -m pip install --quiet -r {shlex.quote(requirements_file(part))}"
    return installed(part, *setup, *script_items("install_command", part.install_command or default))


def checks(part: Part, title: str = "", *, before: tuple[str, ...] = ()) -> tuple[Work, ...]:
    """Lint and test steps, as far as the repository has the commands, with the services that tests need."""
    found = []
    services = tuple(name for name in part.services if name in ("postgres", "redis", "mysql", "mongo"))
    for name, command in (("Lint", part.lint_command), ("Test", part.test_command)):
        if command is None:
            continue
        tool = command.split()[0]
        extra = (
            (f"python3 -m pip install --quiet {tool}",) if tool in ("pytest", "ruff", "flake8", "black", "mypy") else ()
        )
        own = before if name == "Test" else ()
        script = (*install(part), *extra, *own, *script_items(f"{name.lower()}_command", command))
        needs = services if name == "Test" else ()
        found.append(
            Work(name=f"{name}{title}", image=image(part), script=script, caches=(cache(part),), services=needs)
        )
    return tuple(found)


def decisions(part: Part) -> tuple[Decision, ...]:
    """Why this image, this package manager, these checks."""
    stated = (
        f"{part.version_source} states it" if part.runtime_version and part.version_source else "no version is stated"
    )
    made = [
        Decision("image", image(part), f"{stated}; the server needs the same python{version(part)}", ".python-version"),
        Decision(
            "package_manager",
            part.package_manager or "pip",
            "from the lock or requirements file",
            "commit another lock file",
        ),
        Decision(
            "wheels",
            "wheelhouse/",
            "made once in the build step: the server installs without a network or a compiler",
            "templates/deploy/python-release.sh",
        ),
    ]
    if part.test_command is None:
        made.append(
            Decision(
                "tests", "none", "the repository has no tests that were recognised", "add pytest to the requirements"
            )
        )
    return tuple(made)
