"""What was decided anew, in sentences: one for each decision that changed, with the file that changed it."""

from __future__ import annotations

import json
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
    gone = [one for one in before if one["name"] not in names and one["value"] != "none"]
    return [*told, *(f"{one['name'].replace('_', ' ')}: no longer {one['value']}" for one in gone)]


def _told_already(value: str, told: Collection[str]) -> bool:
    """`node:22-bookworm` says no more than `Node 18 → 22`."""
    return any(version and value.partition(":")[2].startswith(version) for version in told if version[:1].isdigit())


def _of_detections(before: Mapping[str, Any], after: Mapping[str, Any], cause: Cause) -> list[str]:
    told = _of_part(before, after, cause)
    known = {part["root"]: part for part in before.get("components", ())}
    for part in after.get("components", ()):
        if part["root"] in known and part["root"] != after.get("root"):
            told += [f"{part['root']}: {line}" for line in _of_part(known[part["root"]], part, cause)]
    parts = [{f"{one['root']} ({one['type']})" for one in found.get("components", ())} for found in (before, after)]
    if parts[0] != parts[1] and any(len(some) > 1 for some in parts):
        listed = [", ".join(sorted(some)) or "none" for some in parts]
        told.append(f"parts: {listed[0]} → {listed[1]}, {_because('components', after, cause)}")
    if set(before.get("services", ())) != set(after.get("services", ())):
        services = [", ".join(found.get("services", ())) or "none" for found in (before, after)]
        told.append(f"services beside the steps: {services[0]} → {services[1]}, {_because('services', after, cause)}")
    return told


def _of_part(before: Mapping[str, Any], after: Mapping[str, Any], cause: Cause) -> list[str]:
    """Of the whole, or of one of its parts."""
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
    return told


def of_settings(before: str | None, after: str | None) -> list[str]:
    """What an explanation (the text of explain.json) says otherwise than the one before, that a person has set."""
    if before is None or after is None:
        return []
    old, new = json.loads(before), json.loads(after)
    places = {one["name"]: one for one in old["environments"]}
    told = []
    for one in new["environments"]:
        if one["name"] not in places:
            told.append(f"environment {one['name']}: deploys {one['branch']} to {one['host']}, {SET}")
            continue
        for field in ("branch", "host", "port"):
            was, now = places[one["name"]].get(field), one.get(field)
            if was != now:
                told.append(f"{field} of {one['name']}: {was or 'none'} → {now or 'none'}, {SET}")
    gone = places.keys() - {one["name"] for one in new["environments"]}
    told += [f"environment {name}: no longer there, {SET}" for name in sorted(gone)]
    names = [{one["name"] for one in explained["variables"]} for explained in (old, new)]
    told += [f"variable {name}: sent from now on" for name in sorted(names[1] - names[0])]
    return told + [f"variable {name}: no longer sent" for name in sorted(names[0] - names[1])]


# Why something is as it is that nobody has found.
SET = "as set"


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
