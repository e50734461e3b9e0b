"""Which changed files may change what is detected: decided by names alone, and in doubt for looking once more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.projects.keyfiles import wanted
from service.projects.places import candidates
from service.projects.tree import Tree

# What nobody has ever told a kind of project by, wherever it stands.
TELL_NOTHING = (
    *(".md", ".rst", ".txt", ".adoc", ".pdf"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".css", ".scss", ".woff2"),
)

# What kinds of projects look for further down, by its name: that it is there says something, whatever is in it.
_TELLING = """
index.html index.php app.vue main.ts index.ts main.js app.php main.rs lib.rs application.rb routes.rb puma.rb rails
hugo.toml config.toml wrangler.toml wrangler.json wrangler.jsonc conftest.py __init__.py www Rakefile
"""
TELLING = frozenset(_TELLING.split())

_TEST = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*(?:_test|\.test|\.spec|Tests?))\.\w+$")


def relevant(before: Iterable[str], after: Iterable[str], touched: Iterable[str]) -> list[str]:
    """Of the `touched` paths those worth a new look, in order. `before` and `after` are all paths of the repository.

    A file whose bytes changed matters where its bytes are read. One that came or went matters also by its name: next
    to a manifest (a lock file), or where a kind of project looks for just that name; of tests the first and the last.
    """
    old, new = frozenset(before), frozenset(after)
    read = {*wanted(old), *wanted(new)}
    folders = {*candidates(Tree(old, {})), *candidates(Tree(new, {}))}
    tested = _tested(old) & _tested(new)
    found = []
    for path in sorted(set(touched)):
        folder, _, name = path.rpartition("/")
        beside = (folder or ".") in folders and not name.lower().endswith(TELL_NOTHING)
        by_name = beside or name in TELLING or bool(_tested([path]) - tested)
        if path in read or ((path in old) != (path in new) and by_name):
            found.append(path)
    return found


def _tested(paths: Iterable[str]) -> set[str]:
    """The directories at the top that hold tests."""
    return {path.partition("/")[0] if "/" in path else "." for path in paths if _TEST.search(path)}
