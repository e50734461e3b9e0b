"""Getting back to a release that works: which one, by which way, and what would be undone. No I/O.

A release can be gone back to unless something says why not; every one of them is told, with that reason. What a
rollback has brought back counts as the release it was at first, so that going back twice never runs in a circle, and
what was rolled back once is not gone back to: it is deployed anew, by a person, or stays away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Files that change a database: going back does not undo what they did.
MIGRATION = re.compile(r"(^|/)(migrations?|alembic/versions|db/migrate)/(?!__init__\.py$)[^/]+|\.sql$", re.IGNORECASE)

# How many releases a server keeps, as the generated files have it.
KEPT = 5

# More migrations than these are counted and not named.
MOST_NAMED = 3


class Method(StrEnum):
    """RELINK turns a release live that the server has kept, REBUILD deploys its commit once more."""

    RELINK = "relink"
    REBUILD = "rebuild"


class Values(StrEnum):
    """Which variables the run gets: those of the release, or those of today."""

    THEN = "then"
    NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One variable as a fingerprint: of two with the same `place` the value is the same."""

    key: str
    secured: bool
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One success on an environment. `origin` is the release that a rollback has brought back, or itself.

    `kept_as` is its number on the server, None where Penstock's files did not deploy it; `config_gone` says that the
    configuration it was deployed with is not in the books any more. `variables` is None where nobody noted them.
    """

    id: int
    execution_id: int
    build_number: int | None
    commit: str | None
    branch: str | None
    completed_at: datetime
    origin: int
    kept_as: int | None = None
    config_gone: bool = False
    rolled_back: bool = False
    variables: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An execution that failed while it deployed, after what is live: what it has left behind is anybody's guess."""

    execution_id: int
    attempt: int
    commit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an environment stands. `releases` are its own, what was completed last comes first.

    `elsewhere` are executions that sealed a release on another environment, with its name. `running` is the execution
    that deploys now. `variables` are those of today, `values` the places whose values are kept.
    """

    environment: str
    releases: tuple[Release, ...]
    failed: Failed | None = None
    running: int | None = None
    elsewhere: Mapping[int, str | None] | None = None
    variables: tuple[Value, ...] = ()
    values: frozenset[str] = frozenset()

    @property
    def live(self) -> Release | None:
        return next((one for one in self.releases if not one.rolled_back), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release, and why it cannot be gone back to where it cannot."""

    execution_id: int
    build_number: int | None
    commit: str | None
    completed_at: datetime
    eligible: bool
    because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a variable differs: `changed`, `added` since the release, `removed` since then."""

    key: str
    change: str
    secured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A commit that goes out of service."""

    hash: str
    message: str = ""
    author: str = ""
    date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a rollback would do. Without a target `because` says why there is none."""

    environment: str
    current_execution_id: int | None
    target_execution_id: int | None
    method: Method | None
    because: str | None = None
    commits: tuple[Undone, ...] = ()
    config_diff: str = ""
    variables: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    target: Release | None = None


def plan(standing: Standing, *, to_execution_id: int | None = None, values: Values | None = None) -> Plan:
    """The plan for going back to the release of that execution, or to the newest that can be gone back to."""
    reasons = {one.id: _because(standing, one) for one in standing.releases}
    shown = _newest_of_each(standing)
    current = _current(standing)
    if to_execution_id is None:
        target = next((one for one in shown if reasons[one.id] is None), None)
        because = None if target else _none_is_left(standing)
    else:
        target = next((one for one in shown if one.execution_id == to_execution_id), None)
        because = reasons[target.id] if target else _not_here(standing, to_execution_id)
    target = target if because is None else None
    changes = _changes(standing, target)
    if target is not None and values is Values.THEN and (lost := _lost(standing, target)):
        target, because = None, lost
    return Plan(
        environment=standing.environment,
        current_execution_id=current,
        target_execution_id=target.execution_id if target else None,
        method=method_for(standing, target) if target else None,
        because=because,
        variables=changes,
        warnings=tuple(_warnings(standing, target, changes, values)) if target else (),
        candidates=tuple(_candidate(one, reasons[one.id]) for one in shown),
        target=target,
    )


def method_for(standing: Standing, target: Release) -> Method:
    """A server keeps the newest good releases; what is older, or was not deployed by our files, is built again."""
    numbers = {one.kept_as for one in standing.releases if one.kept_as is not None and not one.rolled_back}
    kept = sorted(numbers, reverse=True)[:KEPT]
    return Method.RELINK if target.kept_as in kept else Method.REBUILD


def migrations_among(paths: Iterable[str]) -> list[str]:
    """The files that change a database, by their names."""
    return sorted(path for path in set(paths) if MIGRATION.search(path))


def warning_of_migrations(paths: Iterable[str]) -> str | None:
    found = migrations_among(paths)
    if not found:
        return None
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    named = ", ".join(found[:MOST_NAMED])
    return f"the undone commits hold migrations, which stay as they are in the database: {named}{more}"


def _newest_of_each(standing: Standing) -> list[Release]:
    """One release of each execution: that of its last successful attempt."""
    seen: set[int] = set()
    found = []
    for one in standing.releases:
        if one.execution_id not in seen:
            seen.add(one.execution_id)
            found.append(one)
    return found


def _current(standing: Standing) -> int | None:
    """What would be undone: what failed half-way, else what is live."""
    if standing.failed is not None:
        return standing.failed.execution_id
    return standing.live.execution_id if standing.live else None


def _because(standing: Standing, one: Release) -> str | None:
    live = standing.live
    if standing.running is not None:
        return f"execution {standing.running} deploys to {standing.environment} just now"
    if one.rolled_back:
        return "it was itself rolled back"
    later = next((other for other in standing.releases if other.rolled_back and other.origin == one.origin), None)
    if later is not None:
        return f"execution {later.execution_id} had brought it back, and was rolled back"
    if live is not None and standing.failed is None and one.origin == live.origin:
        back = "" if one.id == live.id else f": execution {live.execution_id} has brought it back"
        return f"it is live already{back}"
    if one.commit is None:
        return "its commit is not known"
    return "the configuration it was deployed with is gone" if one.config_gone else None


def _none_is_left(standing: Standing) -> str:
    if standing.running is not None:
        return f"execution {standing.running} deploys to {standing.environment} just now"
    if not standing.releases:
        return f"nothing was ever deployed to {standing.environment} successfully"
    if len(standing.releases) == 1 and standing.failed is None:
        return f"{standing.environment} has had one release only, and it is live"
    return f"no earlier release of {standing.environment} can be gone back to"


def _not_here(standing: Standing, execution_id: int) -> str:
    where = (standing.elsewhere or {}).get(execution_id)
    if where is not None:
        return f"execution {execution_id} deployed to {where}, not to {standing.environment}"
    return f"execution {execution_id} is none of the newest {len(standing.releases)} that deployed there successfully"


def _candidate(one: Release, because: str | None) -> Candidate:
    return Candidate(
        execution_id=one.execution_id,
        build_number=one.build_number,
        commit=one.commit,
        completed_at=one.completed_at,
        eligible=because is None,
        because=because,
    )


def _changes(standing: Standing, target: Release | None) -> tuple[Change, ...]:
    if target is None or target.variables is None:
        return ()
    then = {one.key: one for one in target.variables}
    now = {one.key: one for one in standing.variables}
    found = []
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        if old and new and old.place != new.place:
            found.append(Change(key=key, change="changed", secured=new.secured))
        elif old is None and new is not None:
            found.append(Change(key=key, change="added", secured=new.secured))
        elif new is None and old is not None:
            found.append(Change(key=key, change="removed", secured=old.secured))
    return tuple(found)


def values_of_then(standing: Standing, target: Release, values: Values | None) -> list[Value]:
    """The variables that the run gets as they were, because they differ from today's and their values are kept.

    Without a wish that is the settings; secrets stay today's, because an old one seldom opens anything any more.
    """
    if values is Values.NOW or target.variables is None:
        return []
    now = {one.key: one.place for one in standing.variables}
    differ = [one for one in target.variables if now.get(one.key) != one.place and one.place in standing.values]
    return [one for one in differ if values is Values.THEN or not one.secured]


def _lost(standing: Standing, target: Release) -> str | None:
    """Why the variables of then cannot be had, if they cannot."""
    if target.variables is None:
        return "nobody noted its variables: go back with those of now"
    now = {one.key: one.place for one in standing.variables}
    lost = [one.key for one in target.variables if now.get(one.key) != one.place and one.place not in standing.values]
    if not lost:
        return None
    named = ", ".join(lost)
    return (
        f"the values of {named} were not kept: go back with those of now, and set `keep_variable_values`"
        f" of {standing.environment} for the next time"
    )


def _warnings(standing: Standing, target: Release, changes: Sequence[Change], values: Values | None) -> Iterable[str]:
    if target.variables is None:
        yield "which variables it was deployed with was not noted: it gets those of now"
        return
    then = {one.key for one in values_of_then(standing, target, values)}
    now = [one.key for one in changes if one.key not in then]
    if now:
        yield f"{', '.join(now)}: not as the release had it, but as it is now"
