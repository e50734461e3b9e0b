"""What a Python project depends on and calls itself, from every manifest it may have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from service.projects.model import Evidence
from service.projects.reading import string, strings, table
from service.projects.tree import Tree, resolve

# The misspellings are common enough that Heroku's buildpack knows them too.
_REQUIREMENTS = re.compile(r"(?i)req\w*[-_.]?\w*\.(?:txt|in)")
MAX_INCLUDES = 10


@dataclass(frozen=True, slots=True)
class PythonManifest:
    """Dependencies by canonical name, each with the line that states it, and the facts of pyproject.toml."""

    dependencies: Mapping[str, Evidence]
    pyproject: Mapping[str, object]
    files: tuple[str, ...]

    def first_of(self, *names: str) -> str | None:
        return next((name for name in names if name in self.dependencies), None)

    def starting_with(self, prefix: str) -> str | None:
        return next((name for name in sorted(self.dependencies) if name.startswith(prefix)), None)

    @property
    def name(self) -> str | None:
        """The distribution's canonical name, if pyproject.toml states one."""
        project = table(self.pyproject.get("project"))
        poetry = table(table(self.pyproject.get("tool")).get("poetry"))
        name = string(project.get("name")) or string(poetry.get("name"))
        return canonicalize_name(name) if name else None

    def tool(self, name: str) -> Mapping[str, object]:
        return table(table(self.pyproject.get("tool")).get(name))


@lru_cache(maxsize=4096)
def is_requirements(name: str) -> bool:
    """Whether a file name is one of pip's requirements files."""
    return _REQUIREMENTS.fullmatch(name) is not None


def python_manifest(tree: Tree, folder: str) -> PythonManifest:
    """Read all manifests in `folder`; the first statement of a dependency is the one kept as evidence."""
    return tree.remember("python manifest", folder, lambda: _read(tree, folder))


def _read(tree: Tree, folder: str) -> PythonManifest:
    found: dict[str, Evidence] = {}
    files: list[str] = []
    for path, stated in _sources(tree, folder):
        files.append(path)
        for requirement, section in stated:
            name = canonicalize_name(requirement.name)
            written = f"{requirement.name}{requirement.specifier}"
            found.setdefault(name, Evidence(path, f"{section} {written}".strip()))
    pyproject = tree.toml(resolve(folder, "pyproject.toml") or "")
    return PythonManifest(found, pyproject, tuple(dict.fromkeys(files)))


Statements = list[tuple[Requirement, str]]


def _sources(tree: Tree, folder: str) -> Iterator[tuple[str, Statements]]:
    names = tree.names(folder)
    if "pyproject.toml" in names:
        path = resolve(folder, "pyproject.toml") or ""
        yield path, list(_pyproject(tree.toml(path)))
    seen: list[str] = []
    wanted = [name for name in names if is_requirements(name)]
    for name in sorted(wanted, key=lambda name: (name != "requirements.txt", name)):
        yield from _requirements_file(tree, resolve(folder, name) or "", seen)
    requirements = resolve(folder, "requirements") or ""
    for name in tree.names(requirements):
        if name.endswith((".txt", ".in")):
            yield from _requirements_file(tree, resolve(requirements, name) or "", seen)
    if "Pipfile" in names:
        path = resolve(folder, "Pipfile") or ""
        yield path, list(_tables(tree.toml(path), ("packages", "dev-packages")))
    for name in ("environment.yml", "environment.yaml"):
        if name in names:
            path = resolve(folder, name) or ""
            yield path, list(_conda(tree.yaml(path)))
    if "setup.cfg" in names:
        path = resolve(folder, "setup.cfg") or ""
        yield path, list(_setup_cfg(tree.text(path) or ""))


def _requirements_file(tree: Tree, path: str, seen: list[str]) -> Iterator[tuple[str, Statements]]:
    """The file with everything it includes by `-r`; what was included already is not read twice."""
    if path in seen or len(seen) >= MAX_INCLUDES:
        return
    seen.append(path)
    stated: Statements = []
    for line in (tree.text(path) or "").splitlines():
        include = re.match(r"\s*(?:-r|--requirement|-c|--constraint)[ =]*(\S+)", line)
        if include and not line.lstrip().startswith(("-c", "--c")):
            target = resolve(path.rpartition("/")[0] or ".", include[1])
            if target:
                yield from _requirements_file(tree, target, seen)
            continue
        stated.extend(_parse(re.split(r"(?:^|\s)#|\s--", line)[0].rstrip("\\ "), ""))
    yield path, stated


def _parse(line: str, section: str) -> Statements:
    """One requirement; options (`-e .`), addresses and what is not PEP 508 state no name."""
    if not line.strip() or line.lstrip().startswith(("-", "#")):
        return []
    try:
        return [(Requirement(line), section)]
    except InvalidRequirement:
        return []


def _pyproject(content: Mapping[str, object]) -> Iterator[tuple[Requirement, str]]:
    project = table(content.get("project"))
    for line in strings(project.get("dependencies")):
        yield from _parse(line, "project.dependencies")
    for section in ("optional-dependencies", "dependency-groups"):
        groups = table(project.get(section)) if section.startswith("optional") else table(content.get(section))
        for group, lines in groups.items():
            for line in strings(lines):
                yield from _parse(line, f"{section}.{group}")
    tool = table(content.get("tool"))
    poetry = table(tool.get("poetry"))
    yield from _tables(poetry, ("dependencies", "dev-dependencies"))
    for title, members in table(poetry.get("group")).items():
        for requirement, _ in _tables(table(members), ("dependencies",)):
            yield requirement, f"group.{title}"
    for line in strings(table(tool.get("uv")).get("dev-dependencies")):
        yield from _parse(line, "tool.uv.dev-dependencies")


def _tables(content: Mapping[str, object], sections: tuple[str, ...]) -> Iterator[tuple[Requirement, str]]:
    """Poetry's and Pipenv's form: a table of names, whose versions are not PEP 440 and are left out here."""
    for section in sections:
        for name in table(content.get(section)):
            if name.lower() != "python":
                yield from _parse(name, section)


def _conda(content: Mapping[str, object]) -> Iterator[tuple[Requirement, str]]:
    dependencies = content.get("dependencies")
    for entry in dependencies if isinstance(dependencies, list) else []:
        if isinstance(entry, str):
            yield from _parse(re.split(r"[=<> ]", entry.rpartition("::")[2])[0], "dependencies")
        for line in strings(table(entry).get("pip")):
            yield from _parse(line, "dependencies.pip")


def _setup_cfg(source: str) -> Iterator[tuple[Requirement, str]]:
    block = re.search(r"^install_requires\s*=(.*(?:\n[ \t]+.*|\n\s*#.*)*)", source, re.MULTILINE)
    for line in (block[1] if block else "").splitlines():
        yield from _parse(line.strip(), "install_requires")
