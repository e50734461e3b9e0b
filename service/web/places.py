"""Where a pipeline or an environment deploys to, as it is stored: checked by grammar, in one spelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.configs import InvalidValue, grammar
from service.web.refusals import invalid_value_problem

GRAMMARS: dict[str, Callable[[str, str], str]] = {
    "server_ip": grammar.server,
    "domain": grammar.hostname,
    "subdomain": grammar.label,
    "branch": grammar.branch,
    "branch_pattern": grammar.branch,
    "name": grammar.environment_name,
}


def checked_place(values: dict[str, Any]) -> dict[str, Any]:
    """The same fields in the form in which they are stored; others are passed on. Raises a 422."""
    made = dict(values)
    try:
        for field, check in GRAMMARS.items():
            if made.get(field) is not None:
                made[field] = check(field, made[field])
    except InvalidValue as error:
        raise invalid_value_problem(error) from None
    return made
