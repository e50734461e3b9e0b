"""What a call answers when Bitbucket, or a setting that cannot go into a file, stands in its way."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from service.client import BitbucketError, BudgetSpent, NoCredential, NotAllowed, NotFound, RateLimited, Unreachable
from service.configs import InvalidValue
from service.web.problems import Problem

# A setting's name in generation → its name in the API, where they differ.
OF_GENERATION = {
    "server": "server_ip",
    "environment": "name",
    "branch": "branch_pattern",
    "health_path": "health_check.path",
}


NAMED_ALIKE: Mapping[str, str] = MappingProxyType({})


def bitbucket_problem(error: BitbucketError | NoCredential) -> Problem:
    """4xx where a person has to act, 503 where trying again may help."""
    match error:
        case NotAllowed() | NoCredential():
            return Problem(409, str(error))
        case NotFound():
            told = [("repository", "Bitbucket knows no such repository, or its credential may not see it")]
            return Problem(422, str(error), errors=told)
        case RateLimited():
            return Problem(503, str(error), headers={"Retry-After": str(max(1, round(error.retry_after)))})
        case BudgetSpent() | Unreachable():
            return Problem(503, str(error), headers={"Retry-After": "30"})
        case _:
            return Problem(409, str(error))


def invalid_value_problem(error: InvalidValue, names: Mapping[str, str] = NAMED_ALIKE) -> Problem:
    """`names` are the API's for fields that the caller of the grammar names otherwise."""
    field = names.get(error.field, error.field)
    return Problem(422, f"{field}: {error.message}", errors=[(field, error.message)])
