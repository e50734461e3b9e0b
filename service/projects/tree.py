"""A repository as the detector sees it: names of files, the bytes of a few of them."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from itertools import chain
from posixpath import join, normpath
from typing import TypeVar
from xml.etree.ElementTree import Element

from service.projects import reading
from service.projects.languages import COUNTED, KNOWN, NATIVE, SCRIPTED, ending

Parsed = TypeVar("Parsed")

MAX_PATHS = 50_000
_ODD_PART = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")  # an empty part, `.` or `..`

# What makes a path odd, where many are the lines of a text: looked for one by one, which is faster than a pattern.
_ODD_AMONG = ("\\", "//", "\n/", "/\n", "\n\n", "/./", "/../", "\n./", "\n../", "/.\n", "/..\n", "\n.\n", "\n..\n")


class Tree:
    """Paths of a repository with the key files that were read.

    Paths are relative, with `/`; others (absolute, `..`, backslashes, control characters) are dropped. A file that
    cannot be parsed reads as None and leaves one line in `warnings`; it never raises. Directories are named without a
    trailing slash, the top one is `.`.
    """

    def __init__(self, paths: Iterable[str], files: Mapping[str, bytes]) -> None:
        self.paths = tuple(sorted(_plain(set(paths)))[:MAX_PATHS])
        self.warnings: dict[str, None] = {}
        self._files = files
        self._known = frozenset(self.paths)
        self._parsed: dict[tuple[str, str], object] = {}
        self._remembered: dict[tuple[str, str], object] = {}
        names: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            folder, _, name = path.rpartition("/")
            names[folder or "."].append(name)
        self._names = {folder: tuple(found) for folder, found in names.items()}

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every directory that holds a file somewhere below it."""
        found = {"."}
        for folder in self._names:
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    @cached_property
    def suffixes(self) -> Counter[str]:
        """How many files there are of each ending (`.py`), in the whole tree."""
        counted = Counter(chain.from_iterable(self._endings.values()))
        del counted[""]
        return counted

    @cached_property
    def _endings(self) -> dict[str, tuple[str, ...]]:
        return {folder: tuple(map(ending, names)) for folder, names in self._names.items()}

    def endings(self, folder: str) -> tuple[str, ...]:
        """What the names of the files directly in `folder` end with, each as often as it does."""
        return self._endings.get(folder, ())

    @cached_property
    def is_mostly_native(self) -> bool:
        """Whether most code is in languages without a kind here (C++, Swift, Dart …): then scripts say little."""
        native = sum(self.suffixes[ending] for ending in NATIVE)
        scripted = sum(self.suffixes[ending] for ending in SCRIPTED)
        return native > 2 * scripted and native >= 5

    def files_in(self, language: str | None) -> int:
        """How many files of one of the languages that are counted there are; 0 for another one."""
        return sum(self.suffixes[ending] for ending in KNOWN[language]) if language in COUNTED else 0

    def names(self, folder: str) -> tuple[str, ...]:
        """The files directly in `folder`, sorted."""
        return self._names.get(folder, ())

    def has(self, path: str) -> bool:
        return path in self._known

    def has_folder(self, folder: str) -> bool:
        return folder in self.folders

    def below(self, folder: str) -> tuple[str, ...]:
        """Every path at or under `folder`."""
        if folder == ".":
            return self.paths
        first = bisect_left(self.paths, f"{folder}/")
        return self.paths[first : bisect_left(self.paths, f"{folder}0", first)]  # "0" is what follows "/"

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The key files that were read, sorted."""
        return tuple(sorted(self._known & self._files.keys()))

    def was_read(self, path: str) -> bool:
        return path in self._known and path in self._files

    def warn(self, warning: str) -> None:
        """Note something a person should know; said once however often it is met."""
        self.warnings[warning] = None

    def remember(self, what: str, where: str, make: Callable[[], Parsed]) -> Parsed:
        """The result of `make`, worked out once for each `what` and `where`; `make` must always give the same."""
        if (what, where) not in self._remembered:
            self._remembered[what, where] = make()
        return self._remembered[what, where]  # type: ignore[return-value]  # what `make` made

    def text(self, path: str) -> str | None:
        return self._parse(path, "text", reading.text)

    def json(self, path: str) -> Mapping[str, object]:
        return reading.table(self._parse(path, "json", reading.json))

    def json_with_comments(self, path: str) -> Mapping[str, object]:
        return reading.table(self._parse(path, "jsonc", lambda data: reading.json(data, comments=True)))

    def toml(self, path: str) -> Mapping[str, object]:
        return reading.table(self._parse(path, "toml", reading.toml))

    def yaml(self, path: str) -> Mapping[str, object]:
        return reading.table(self._parse(path, "yaml", reading.yaml))

    def xml(self, path: str) -> Element | None:
        return self._parse(path, "xml", reading.xml)

    def python(self, path: str) -> ast.Module | None:
        return self._parse(path, "python", reading.python)

    def _parse(self, path: str, form: str, parser: Callable[[bytes], Parsed]) -> Parsed | None:
        if not self.was_read(path):
            return None
        if (path, form) not in self._parsed:
            self._parsed[path, form] = self._parse_now(path, parser)
        return self._parsed[path, form]  # type: ignore[return-value]  # what `parser` made for this form

    def _parse_now(self, path: str, parser: Callable[[bytes], Parsed]) -> Parsed | None:
        try:
            return parser(self._files[path])
        except reading.Unreadable as error:
            self.warn(f"{path} was left out: {error}")
            return None


def _plain(paths: set[str]) -> Iterable[str]:
    """The paths that are plain: as a rule all of them, which is soon told of them together."""
    lines = "\n".join(("", *paths, ""))
    printable = lines.count("\n") == len(paths) + 1 and lines.replace("\n", "").isprintable()
    return paths if printable and not any(odd in lines for odd in _ODD_AMONG) else filter(is_plain, paths)


def is_plain(path: str) -> bool:
    """Whether `path` names a file below the top and nothing else: relative, normal, printable."""
    if not path.isprintable() or "\\" in path or "//" in path or path.startswith("/") or path.endswith("/"):
        return False
    return bool(path) and (("/." not in path and path[0] != ".") or _ODD_PART.search(path) is None)


def resolve(folder: str, name: str) -> str | None:
    """`name` as written in a file of `folder`, as a path of the tree; None if it points outside of it."""
    path = normpath(join(folder, name.strip()))
    return path if path == "." or is_plain(path) else None
