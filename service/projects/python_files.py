"""Which Python modules of a project may make its application; decided by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects.places import is_noise, is_side
from service.projects.tree import Tree

_ENTRY = ("wsgi", "asgi", "main", "app", "server", "application", "run", "api", "index", "manage", "__init__")
_DEEPEST = 5  # directories below the project
# Other names under which an application is made: `views`, `create_app`, `web_server`, `entrypoint`.
_TELLING = re.compile(
    r"application|__main__|factory|views?|routes?|entry_?points?|bootstrap|serve|start|launch(?:er)?|core|cli|"
    r".*(?:app|api|server|web|http|main|wsgi|asgi|flask|backend|service)|(?:app|api|server|web|http|main|flask|run)_\w+"
)
_NEVER = re.compile(
    r"(?:setup|conftest|manage|settings|config|models?|constants|exceptions|env|(?:.*_)?tests?|test_.*)\.py"
)


def python_entries(tree: Tree, folder: str) -> list[str]:
    """Python modules that may create an application: here, in the usual places, in the packages right below."""
    prefix = "" if folder == "." else f"{folder}/"
    below = {
        path[len(prefix) :].partition("/")[0]
        for path in tree.below(folder)
        if path.endswith(".py") and path.count("/") > prefix.count("/")
    }
    packages = sorted(name for name in below if not is_noise(name) and not is_side(name))
    packages = packages or sorted(name for name in below if tree.has(f"{prefix}{name}/__init__.py"))
    places = ["", *dict.fromkeys(["app/", "src/", "api/", *(f"{name}/" for name in packages[:12])])]
    places += [f"src/{name}/" for name in sorted(_subfolders(tree, f"{prefix}src"))[:4]]
    own = [f"{prefix}{stem}.py" for stem in _ENTRY[:-2] if tree.has(f"{prefix}{stem}.py")][:3]
    found = [*own, *(f"{prefix}{place}{stem}.py" for stem in _ENTRY[:-2] for place in places)]
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
    is_entry = name in ("main.py", "app.py", "asgi.py", "wsgi.py", "server.py") and 0 < path.count("/") <= 5
    return is_entry and not is_noise(directory) and not is_side(directory)


def _depth_of_file(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _subfolders(tree: Tree, folder: str) -> set[str]:
    return {
        path[len(folder) + 1 :].partition("/")[0]
        for path in tree.below(folder)
        if path.count("/") > folder.count("/") + 1
    }


def settings_files(tree: Tree, folder: str) -> list[str]:
    """Django's settings modules, those nearest to manage.py first, production's before the others."""
    found = [
        path
        for path in tree.below(folder)
        if re.search(r"(?:^|/)settings(?:/(?:base|production|prod|common|__init__))?\.py$", path)
    ]
    return sorted(found, key=lambda path: (path.count("/"), path))


def python_rest(tree: Tree, folder: str) -> Iterator[str]:
    """The modules that the usual places leave out, those with a telling name first, then those nearest to the top;
    none beside a manage.py of Django, which tells all there is to know."""
    paths = tree.below(folder)
    routes = any(path.endswith("/urls.py") for path in paths)
    if routes and any(path.endswith("manage.py") for path in paths) and settings_files(tree, folder):
        return
    skipped = 0 if folder == "." else len(folder) + 1
    found = [path for path in paths if path.endswith(".py") and _may_make(path[skipped:])]
    yield from sorted(found, key=lambda path: _likelihood(path[skipped:]))


def _may_make(path: str) -> bool:
    directory, _, name = path.rpartition("/")
    if path.count("/") > _DEEPEST or _NEVER.fullmatch(name):
        return False
    if "migrations/" in path or "alembic/" in path:
        return False
    return not directory or not (is_noise(directory) or is_side(directory))


def _likelihood(path: str) -> tuple[int, int, str]:
    """A package's `__init__` tells by the package's name; a module also by bearing that of its package."""
    directory, _, name = path.rpartition("/")
    stem, package = name.removesuffix(".py"), directory.rpartition("/")[2]
    if stem == "__init__":
        return (0 if _is_telling(package) or not path.count("/") > 1 else 2), path.count("/"), path
    return (0 if _is_telling(stem) or stem == package else 1), path.count("/"), path


def _is_telling(name: str) -> bool:
    return name in _ENTRY or _TELLING.fullmatch(name) is not None
