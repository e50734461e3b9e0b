"""How many of a thing there may be: a 422 names the limit before a list, a file or a page grows without end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service.store import counts
from service.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` says how many there are of what the number given to it owns."""

    what: str
    of: str
    most: int
    count: Callable[[Any, int], Awaitable[int]]


REPOSITORIES = Limit("repositories", "an account", 1000, counts.repositories_owned)
CREDENTIALS = Limit("credentials", "an account", 100, counts.credentials_of)
DOMAINS = Limit("domains", "an account", 100, counts.domains_of)
ENVIRONMENTS = Limit("environments", "a pipeline", 200, counts.environments_of)
NOTIFICATIONS = Limit("notifications", "an account", 200, counts.routes_of)
VARIABLES = Limit("environment_variables", "a pipeline", 500, counts.variables_of)


async def check(connection: Any, limit: Limit, owner: int) -> None:
    """Raises a 422 where there is no room for one more."""
    if await limit.count(connection, owner) >= limit.most:
        raise exceeded(limit)


def exceeded(limit: Limit) -> Problem:
    told = f"{limit.of} has at most {limit.most} {limit.what.replace('_', ' ')}"
    return Problem(422, f"{told}; remove one first", errors=[(limit.what, told)])
