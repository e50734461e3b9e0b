"""Which files of a repository are worth reading; decided by names alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from service.projects.containers import COMPOSE_NAMES, is_compose, is_dockerfile
from service.projects.node_files import node_entries, node_rest
from service.projects.node_manager import LOCKS, README
from service.projects.outputs import WEBPACK_CONFIG
from service.projects.places import DENO_ENTRIES, MANIFESTS, PROJECT_FILE, candidates, depth, is_side
from service.projects.python_files import python_entries, python_rest, settings_files
from service.projects.python_manifest import is_requirements
from service.projects.tree import Tree

MAX_KEY_FILES = 40
MAX_FILE_BYTES = 256 * 1024
MAX_FURTHER = 10  # modules with less likely names, read last
MAX_MODULES = 6  # modules of Node.js where no usual entry may tell
MAX_LOCK_BYTES = 4 * 1024  # of a lock file only the head is looked at

_CONFIGS = re.compile(
    r"(?:next|nuxt|vite|vue|astro|svelte|react-router|remix|rsbuild|webpack)\.config\.[cm]?[jt]s|"
    r"(?:pnpm-workspace|rush|lerna|nx|turbo|workspace)\.(?:ya?ml|json)|gatsby-config\.[jt]s|Procfile|nest-cli\.json|"
    r"wrangler\.(?:toml|jsonc?)|webpack\.(?:config\.)?(?:common|base|prod(?:uction)?)(?:\.config)?\.[cm]?js|(?:template|serverless)\.ya?ml|serverless\.ts|quasar\.conf(?:ig)?\.[cm]?[jt]s|"
    r"hugo\.(?:toml|ya?ml|json)|config\.(?:toml|ya?ml)|Directory\.\w+\.props|web\.config"
)
_PIN_NAMES = """
.nvmrc .node-version .python-version runtime.txt .tool-versions mise.toml .mise.toml .ruby-version
.java-version .go-version rust-toolchain rust-toolchain.toml system.properties .bun-version .deno-version
.php-version .sdkmanrc yarn.lock .yarnrc.yml .env.example .env.sample .flaskenv pytest.ini tox.ini
noxfile.py
"""
_PINS = frozenset(_PIN_NAMES.split())
_LOCKS = frozenset(lock for lock, _ in LOCKS)
_PYTHON_PLAIN = ("pyproject.toml", "Pipfile", "environment.yml")
_PYTHON_PROJECTS = (*_PYTHON_PLAIN, "setup.py", "setup.cfg")
_NX_ENTRY = re.compile(r"apps/(?:[^/]+/){1,2}src/main\.[jt]sx?")
# What builds pages does not start a server of its own, whatever its modules are called.
_BUILDS_PAGES = re.compile(r"index\.html$|angular\.json$|(?:next|nuxt|vite|vue|astro|svelte|gatsby)[.-]config\.")
_LIKELY_APP = re.compile(
    r"(?:^|/)(?:apps?|web|www|front\w*|client\w*|ui|back\w*|server\w*|api|service)(?:/|$)", re.IGNORECASE
)


def wanted(paths: Iterable[str]) -> list[str]:
    """The key files to read, the most important first, at most `MAX_KEY_FILES`.

    The order depends on names only, so a repository can be analysed by one listing plus one fetch of these.
    """
    tree = Tree(paths, {})
    ranked: dict[str, float] = {}
    for folder in candidates(tree):
        weight = depth(folder) * 1.5 - (0.5 if _LIKELY_APP.search(folder) else 0) + (3 if is_side(folder) else 0)
        for path, rank in _worth_reading(tree, folder):
            ranked[path] = min(rank + weight, ranked.get(path, 99.0))
    if tree.has("nx.json") and (tree.has("angular.json") or tree.has("workspace.json")):
        for path in [path for path in tree.below("apps") if _NX_ENTRY.fullmatch(path)][:8]:
            ranked.setdefault(path, 3.0)
    return sorted(ranked, key=lambda path: (ranked[path], path))[:MAX_KEY_FILES]


def read_limit(path: str) -> int:
    """How many bytes of a key file are read; one that is larger is cut there."""
    return MAX_LOCK_BYTES if path.rpartition("/")[2].endswith(".lock") else MAX_FILE_BYTES


def _worth_reading(tree: Tree, folder: str) -> Iterator[tuple[str, float]]:
    """The folder's key files with their rank: manifests 0, configuration 1, pins 1.5, entry files 2, settings 3."""
    prefix = "" if folder == "." else f"{folder}/"
    counted: defaultdict[str, int] = defaultdict(int)
    for name in sorted(tree.names(folder), key=_is_variant):
        group, rank, limit = _group(name)
        counted[group] += 1
        if rank is not None and counted[group] <= limit:
            yield prefix + name, rank
    names = tree.names(folder)
    if any(name.startswith("package.") or name == "project.json" for name in names):
        yield from ((path, 2.0) for path in node_entries(tree, prefix)[:3])
        yield from ((path, 3.0) for path in _bundler_configs(tree, prefix)[:4])
        if not any(map(_BUILDS_PAGES.match, names)):
            yield from ((path, 4.0 + at * 0.1) for at, path in enumerate(islice(node_rest(tree, folder), MAX_MODULES)))
    elif folder == ".":
        yield from ((path, 2.0) for path in DENO_ENTRIES if tree.has(path))
    if any(name.endswith(".py") or is_requirements(name) or name in _PYTHON_PLAIN for name in names):
        entries = python_entries(tree, folder)[:8]
        yield from ((path, 2.0 + position * 0.1) for position, path in enumerate(entries))
        if any(name in _PYTHON_PROJECTS or is_requirements(name) for name in names):
            rest = (path for path in python_rest(tree, folder) if path not in entries)
            yield from ((path, 4.0 + position * 0.1) for position, path in enumerate(islice(rest, MAX_FURTHER)))
    if sum(name in _LOCKS for name in names) > 1 and README in names:
        yield prefix + README, 2.0  # says which of them is used
    if "go.mod" in names:  # all the files of a directory are of one package
        sources = (name for name in names if name.endswith(".go") and not name.endswith("_test.go"))
        yield from ((prefix + name, 2.0) for name in list(sources)[:1])
    if "manage.py" in names:
        yield from ((path, 3.0) for path in settings_files(tree, folder)[:3])
    for path in (f"{prefix}requirements/{name}" for name in tree.names(f"{prefix}requirements")):
        counted["requirements"] += 1
        if path.endswith((".txt", ".in")) and counted["requirements"] <= 5:
            yield path, 0.5


def _is_variant(name: str) -> bool:
    """Whether a compose file or a Dockerfile is one of several that vary the main one."""
    return (is_compose(name) and name not in COMPOSE_NAMES) or (is_dockerfile(name) and name != "Dockerfile")


def _group(name: str) -> tuple[str, float | None, int]:
    """A file's group, its rank (None: not read) and how many of its group are read in one folder."""
    if name in ("artisan", "config.ru", "index.html", "index.php", "Staticfile", "CMakeLists.txt", "Package.swift"):
        return "by name", None, 0
    if is_requirements(name):
        return "requirements", 0.0 if name == "requirements.txt" else 0.5, 4
    if name in ("settings.gradle", "settings.gradle.kts"):
        return "settings.gradle", 1.0, 2
    if name.endswith(".py") and name not in ("manage.py", "setup.py"):
        return "python", None, 0
    if name in MANIFESTS:
        return "manifest", 0.0, 12
    if PROJECT_FILE.fullmatch(name):
        return "project file", 0.0, 2
    if is_dockerfile(name) or is_compose(name):
        return "compose" if is_compose(name) else "dockerfile", 1.0, 2
    if _CONFIGS.fullmatch(name):
        return "config", 1.0, 8
    return ("pin", 1.5, 8) if name in _PINS else ("other", None, 0)


def _bundler_configs(tree: Tree, prefix: str) -> list[str]:
    """Webpack's config files one level down, production's first."""
    found = [
        f"{place}/{name}"
        for place in ("webpack", "config", "build", "internals/webpack")
        for name in tree.names(prefix + place)
    ]
    telling = sorted(filter(WEBPACK_CONFIG.fullmatch, found), key=lambda path: ("prod" not in path, path))
    return [prefix + path for path in telling if not re.search(r"dev|test", path.rpartition("/")[2])]
