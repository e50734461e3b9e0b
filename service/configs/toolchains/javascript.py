"""Steps of JavaScript projects: image, package manager, cache, commands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.configs.commands import script_items
from service.configs.plan import Cache, Decision, Work
from service.configs.toolchains import Part, beside_lock, installed

DEFAULT_NODE = "22"


@dataclass(frozen=True, slots=True)
class _Manager:
    cache: str
    lock: str
    frozen: str
    free: str
    setup: tuple[str, ...] = ()


_MANAGERS = {
    "npm": _Manager("~/.npm", "package-lock.json", "npm ci", "npm install"),
    "yarn": _Manager(
        "~/.cache/yarn", "yarn.lock", "yarn install --frozen-lockfile", "yarn install", ("corepack enable",)
    ),
    "pnpm": _Manager(
        "~/.local/share/pnpm/store",
        "pnpm-lock.yaml",
        "pnpm install --frozen-lockfile",
        "pnpm install",
        ("corepack enable",),
    ),
    "bun": _Manager(
        "~/.bun/install/cache",
        "bun.lock",
        "bun install --frozen-lockfile",
        "bun install",
        ("npm install --global bun",),
    ),
}
_FROZEN = re.compile(r"\bnpm ci\b|--frozen-lockfile|--immutable")
_ANGULAR = re.compile(r"@angular/core\D{0,3}(\d+)")


def manager(part: Part) -> str:
    """The package manager of the part; npm when the repository names none that is known."""
    name = (part.package_manager or "npm").split("@")[0]
    return {"berry": "yarn", "yarn-berry": "yarn", "yarn-classic": "yarn"}.get(
        name, name if name in _MANAGERS else "npm"
    )


def node_major(part: Part) -> str:
    """The major version of Node to build and run with."""
    stated = (part.runtime_version or "").split(".")[0]
    major = int(stated) if stated.isdecimal() and part.language != "python" else int(DEFAULT_NODE)
    # Angular 22 refuses Node 20: https://angular.dev/reference/versions
    angular = [int(found[1]) for entry in part.evidence if (found := _ANGULAR.search(entry.fact))]
    return str(max(major, 22)) if angular and angular[0] >= 22 else str(major)


def image(part: Part) -> str:
    """The image of the steps. Debian, because deploying needs bash, and native modules the server's C library."""
    major = node_major(part)
    return f"node:{major}-{'bookworm' if int(major) >= 16 else 'bullseye'}"


def install(part: Part) -> tuple[str, ...]:
    """Items that install the dependencies, where the lock file lies, and go to the part."""
    tool = _MANAGERS[manager(part)]
    # Settings alone do not say that there is a lock file.
    default = tool.frozen if part.evidence else tool.free
    return installed(part, *tool.setup, *script_items("install_command", part.install_command or default))


def cache(part: Part) -> Cache:
    """The package manager's download cache, kept per lock file where there is one.

    Not the predefined `node` cache: it holds node_modules, which `npm ci` deletes first.
    """
    tool = _MANAGERS[manager(part)]
    locked = bool(_FROZEN.search(" ".join(install(part))))
    return Cache(name=manager(part), path=tool.cache, key_files=(_lock_file(part, tool.lock),) if locked else ())


def _lock_file(part: Part, lock: str) -> str:
    here = beside_lock(part, lock)
    stated = [entry.file for entry in part.evidence if entry.file.rsplit("/", 1)[-1] == lock]
    return here if here in stated or part.install_root or not stated else stated[0]


def build_items(part: Part, default: str | None = None) -> tuple[str, ...]:
    """Items that build the part; `default` is for a repository whose commands are not known."""
    command = part.build_command or default
    return script_items("build_command", command) if command else ()


def run_script(part: Part, name: str) -> str:
    """The command that runs a script of package.json."""
    return f"{manager(part)} run {name}"


def checks(part: Part, title: str = "") -> tuple[Work, ...]:
    """Lint and test steps, as far as the repository has the commands."""
    found = []
    for name, command in (("Lint", part.lint_command), ("Test", part.test_command)):
        if command is None or "ChromeHeadless" in command:
            continue
        script = (*install(part), *script_items(f"{name.lower()}_command", command))
        found.append(Work(name=f"{name}{title}", image=image(part), script=script, caches=(cache(part),)))
    return tuple(found)


def decisions(part: Part) -> tuple[Decision, ...]:
    """Why this image, this package manager, these checks."""
    source = part.version_source
    why_node = (
        f"{source} states it"
        if part.runtime_version and source
        else "the repository states no version; long-term support"
    )
    made = [
        Decision("image", image(part), f"{why_node}; Debian, so that native modules fit a Debian server", ".nvmrc"),
        Decision(
            "package_manager", manager(part), "from the lock file or packageManager", "package.json: packageManager"
        ),
    ]
    if not cache(part).key_files:
        made.append(
            Decision(
                "lock_file", "none", "no lock file was found: every build may install other versions", "commit one"
            )
        )
    if part.test_command and "ChromeHeadless" in part.test_command:
        why = "the test command starts a browser, which the image does not hold"
        made.append(Decision("tests", "left out", why, "package.json: scripts.test:ci without a browser"))
    elif part.test_command is None:
        made.append(Decision("tests", "none", "the repository has no test command", "package.json: scripts.test"))
    return tuple(made)
