"""What was decided anew, in sentences: one for each decision that changed, with the file that changed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A detection's fields, in the order in which they are told, with what they are called.
FIELDS = {
    "type": "kind of project",
    "framework": "framework",
    "runtime_version": "runtime",
    "package_manager": "package manager",
    "install_command": "install command",
    "build_command": "build command",
    "test_command": "test command",
    "lint_command": "lint command",
    "output_dir": "directory of the built site",
    "start_command": "start command",
    "app_object": "application object",
    "port": "port",
}

LANGUAGES = {"javascript": "Node", "typescript": "Node", "python": "Python", "go": "Go", "php": "PHP", "ruby": "Ruby"}

# Decisions that only repeat what a field of the detection says.
REPEATED = frozenset({"package_manager", "build_command", "test_command", "start_command", "output_dir"})

LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
    "bun": ("bun.lockb", "bun.lock"),
    "poetry": ("poetry.lock",),
    "uv": ("uv.lock",),
    "pipenv": ("Pipfile.lock",),
    "pip": ("requirements.txt",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Which files changed, and in which commit; neither where it was not the repository that changed."""

    paths: Collection[str] = ()
    commit: str | None = None


def sentences(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    found_before: Mapping[str, Any] | None,
    found_after: Mapping[str, Any] | None,
    cause: Cause,
) -> list[str]:
    """`before` and `after` are decisions, `found_…` detections, as they are stored with a revision."""
    told = _of_detections(found_before, found_after, cause) if found_before and found_after else []
    told_values = {line.partition(", because")[0].rpartition(" → ")[2] for line in told}
    known = {one["name"]: one for one in before}
    for one in after:
        old = known.get(one["name"])
        if (one["name"] in REPEATED and told) or (old and old["value"] == one["value"]):
            continue
        name = one["name"].replace("_", " ")
        if old is None:
            told.append(f"{name}: {one['value']}, because {one['why']}")
        elif not _told_already(one["value"], told_values):
            told.append(f"{name}: {old['value']} → {one['value']}, because {one['why']}")
    names = {one["name"] for one in after}
    gone = [one for one in before if one["name"] not in names]
    return [*told, *(f"{one['name'].replace('_', ' ')}: no longer {one['value']}" for one in gone)]


def _told_already(value: str, told: Collection[str]) -> bool:
    """`node:22-bookworm` says no more than `Node 18 → 22`."""
    return any(version and value.partition(":")[2].startswith(version) for version in told if version[:1].isdigit())


def _of_detections(before: Mapping[str, Any], after: Mapping[str, Any], cause: Cause) -> list[str]:
    told = []
    for field, name in FIELDS.items():
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        if field == "runtime_version":
            language = LANGUAGES.get(after.get("language") or "", name)
            told.append(f"{language} {old or 'unstated'} → {new or 'unstated'}, {_because(field, after, cause)}")
        else:
            told.append(f"{name}: {old or 'none'} → {new or 'none'}, {_because(field, after, cause)}")
    parts = [{f"{one['root']} ({one['type']})" for one in found.get("components", ())} for found in (before, after)]
    if parts[0] != parts[1] and any(len(some) > 1 for some in parts):
        listed = [", ".join(sorted(some)) or "none" for some in parts]
        told.append(f"parts: {listed[0]} → {listed[1]}, {_because('components', after, cause)}")
    if set(before.get("services", ())) != set(after.get("services", ())):
        services = [", ".join(found.get("services", ())) or "none" for found in (before, after)]
        told.append(f"services beside the steps: {services[0]} → {services[1]}, {_because('services', after, cause)}")
    return told


def _because(field: str, found: Mapping[str, Any], cause: Cause) -> str:
    """The file that says so where it is among those that changed; else those that changed; else those that say so."""
    path = _source(field, found, cause)
    where = f" in {cause.commit[:12]}" if cause.commit else ""
    if path is not None and (path in cause.paths or not cause.paths):
        return f"because `{path}` {'changed' if path in cause.paths else 'says so'}{where}"
    if cause.paths:
        named = ", ".join(f"`{one}`" for one in sorted(cause.paths)[:3])
        return f"because {named} changed{where}"
    return f"as found{where}"


def _source(field: str, found: Mapping[str, Any], cause: Cause) -> str | None:
    if field == "runtime_version":
        source = (found.get("version_source") or "").partition(":")[0].strip()
        return source or None
    if field in ("package_manager", "install_command"):
        locks = LOCKS.get(found.get("package_manager") or "", ())
        named = [path for path in sorted(cause.paths) if path.rpartition("/")[2] in locks]
        if named:
            return named[0]
    said = [one["file"] for one in found.get("evidence", ()) if one["file"] in cause.paths]
    return said[0] if said else None
