"""Which files of a repository are worth reading; decided by names alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from service.projects.containers import is_compose, is_dockerfile
from service.projects.places import MANIFESTS, PROJECT_FILE, candidates, depth, is_noise, is_side
from service.projects.python_manifest import is_requirements
from service.projects.tree import Tree

MAX_KEY_FILES = 40
MAX_FILE_BYTES = 256 * 1024
MAX_LOCK_BYTES = 4 * 1024  # of a lock file only the head is looked at

_CONFIGS = re.compile(
    r"(?:next|nuxt|vite|vue|astro|svelte|react-router|remix|rsbuild|webpack)\.config\.[cm]?[jt]s|"
    r"(?:pnpm-workspace|rush|lerna|nx|turbo|workspace)\.(?:ya?ml|json)|gatsby-config\.[jt]s|Procfile|nest-cli\.json|"
    r"hugo\.(?:toml|ya?ml|json)|config\.(?:toml|ya?ml)|Directory\.\w+\.props|web\.config"
)
_PIN_NAMES = """
.nvmrc .node-version .python-version runtime.txt .tool-versions mise.toml .mise.toml .ruby-version
.java-version .go-version rust-toolchain rust-toolchain.toml system.properties .bun-version .deno-version
.php-version .sdkmanrc yarn.lock .yarnrc.yml .env.example .env.sample .flaskenv pytest.ini tox.ini
noxfile.py
"""
_PINS = frozenset(_PIN_NAMES.split())
_PYTHON_ENTRY = ("wsgi", "asgi", "main", "app", "server", "application", "run", "api", "index", "manage", "__init__")
_NODE_ENTRY = ("server", "app", "index", "main", "www")
_NODE_ENTRY_PLACES = ("", "src/", "server/", "bin/", "src/server/", "api/", "app/")
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
    return sorted(ranked, key=lambda path: (ranked[path], path))[:MAX_KEY_FILES]


def read_limit(path: str) -> int:
    """How many bytes of a key file are read; one that is larger is cut there."""
    return MAX_LOCK_BYTES if path.rpartition("/")[2].endswith(".lock") else MAX_FILE_BYTES


def _worth_reading(tree: Tree, folder: str) -> Iterator[tuple[str, float]]:
    """The folder's key files with their rank: manifests 0, configuration 1, pins 1.5, entry files 2, settings 3."""
    prefix = "" if folder == "." else f"{folder}/"
    counted: defaultdict[str, int] = defaultdict(int)
    for name in tree.names(folder):
        group, rank, limit = _group(name)
        counted[group] += 1
        if rank is not None and counted[group] <= limit:
            yield prefix + name, rank
    names = tree.names(folder)
    if any(name.startswith("package.") or name == "project.json" for name in names):
        yield from ((path, 2.0) for path in _node_entries(tree, prefix)[:3])
    if any(name.endswith(".py") or is_requirements(name) or name in ("pyproject.toml", "Pipfile") for name in names):
        yield from ((path, 2.0 + position * 0.1) for position, path in enumerate(_python_entries(tree, folder)[:8]))
    if "go.mod" in names:  # all the files of a directory are of one package
        sources = (name for name in names if name.endswith(".go") and not name.endswith("_test.go"))
        yield from ((prefix + name, 2.0) for name in list(sources)[:1])
    if "manage.py" in names:
        yield from ((path, 3.0) for path in _settings(tree, folder)[:3])
    for path in (f"{prefix}requirements/{name}" for name in tree.names(f"{prefix}requirements")):
        counted["requirements"] += 1
        if path.endswith((".txt", ".in")) and counted["requirements"] <= 5:
            yield path, 0.5


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


def _node_entries(tree: Tree, prefix: str) -> list[str]:
    found = [
        f"{prefix}{place}{stem}.{ending}"
        for place in _NODE_ENTRY_PLACES
        for stem in _NODE_ENTRY
        for ending in ("js", "ts", "mjs", "cjs")
    ]
    return [path for path in [*found, f"{prefix}bin/www"] if tree.has(path)]


def _python_entries(tree: Tree, folder: str) -> list[str]:
    """Python modules that may create an application: here, in the usual places, in the packages right below."""
    prefix = "" if folder == "." else f"{folder}/"
    below = {
        path[len(prefix) :].partition("/")[0]
        for path in tree.below(folder)
        if path.endswith(".py") and path.count("/") > prefix.count("/")
    }
    packages = sorted(name for name in below if not is_noise(name) and not is_side(name))
    places = ["", *dict.fromkeys(["app/", "src/", "api/", *(f"{name}/" for name in packages[:12])])]
    places += [f"src/{name}/" for name in sorted(_subfolders(tree, f"{prefix}src"))[:4]]
    own = [f"{prefix}{stem}.py" for stem in _PYTHON_ENTRY[:-2] if tree.has(f"{prefix}{stem}.py")][:3]
    found = [*own, *(f"{prefix}{place}{stem}.py" for stem in _PYTHON_ENTRY[:-2] for place in places)]
    found += [f"{prefix}{place}__init__.py" for place in places[1:]]
    others = [
        prefix + name
        for name in tree.names(folder)
        if name.endswith(".py") and not name.startswith(("setup", "conftest", "test", "manage"))
    ]
    near = list(dict.fromkeys(path for path in [*found, *others[:5]] if tree.has(path)))
    deep = sorted((path for path in tree.below(folder) if _is_deep_entry(path[len(prefix) :])), key=_depth_of_file)
    return list(dict.fromkeys([*near[:5], *deep[:4], *near[5:]]))


def _is_deep_entry(path: str) -> bool:
    """Whether a file further down (`shop/presentation/api/main.py`) has the name of an entry."""
    directory, _, name = path.rpartition("/")
    is_entry = name in ("main.py", "app.py", "asgi.py", "wsgi.py", "server.py") and 0 < path.count("/") <= 4
    return is_entry and not is_noise(directory) and not is_side(directory)


def _depth_of_file(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _subfolders(tree: Tree, folder: str) -> set[str]:
    return {
        path[len(folder) + 1 :].partition("/")[0]
        for path in tree.below(folder)
        if path.count("/") > folder.count("/") + 1
    }


def _settings(tree: Tree, folder: str) -> list[str]:
    """Django's settings modules, those nearest to manage.py first, production's before the others."""
    found = [
        path
        for path in tree.below(folder)
        if re.search(r"(?:^|/)settings(?:/(?:base|production|prod|common|__init__))?\.py$", path)
    ]
    return sorted(found, key=lambda path: (path.count("/"), path))
