"""Bitbucket's REST API, asked politely: typed calls with budget, retries and errors that say what to do.

`Clients` opens credentials and makes a `Client` for each. What is asked stands in `service/bitbucket/requests.py`, what
is answered in `service/bitbucket/answers.py`.
"""

from service.bitbucket.requests import Assignment
from service.client.client import Client
from service.client.clients import Clients, NoCredential
from service.client.credentials import Kind, NotAccepted, check, opened, sealed
from service.client.errors import (
    AlreadyEnded,
    BitbucketError,
    BudgetSpent,
    Conflict,
    HeadMoved,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    Unreachable,
)
from service.client.logs import LogPart, LogStatus

__all__ = [
    "AlreadyEnded",
    "Assignment",
    "BitbucketError",
    "BudgetSpent",
    "Client",
    "Clients",
    "Conflict",
    "HeadMoved",
    "Kind",
    "LogPart",
    "LogStatus",
    "NoCredential",
    "NotAccepted",
    "NotAllowed",
    "NotFound",
    "RateLimited",
    "Refused",
    "Unreachable",
    "check",
    "opened",
    "sealed",
]
