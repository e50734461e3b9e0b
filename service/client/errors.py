"""What may come of a call to Bitbucket instead of an answer.

    BitbucketError
    ├── NotAllowed       401, 403: the credential does not work, or may not do this
    ├── NotFound         404: there is no such thing, or the credential may not see it
    ├── Conflict         409: it is there already
    │   └── HeadMoved    the branch is no longer where the commit was made for
    ├── Refused          400 and its kind: asking again does not help
    │   └── AlreadyEnded the run that was to be stopped has ended
    ├── RateLimited      429: wait `retry_after` seconds
    ├── BudgetSpent      our own limit of calls per hour: wait until `until`
    └── Unreachable      no answer, or none that can be used: later it may go well

Messages name the thing, the reason, the next step. None of them holds a secret.
"""

from __future__ import annotations

from datetime import datetime


class BitbucketError(Exception):
    """The message is for people."""


class NotAllowed(BitbucketError):
    """A person has to act. `credential` is its name; the scopes are those that Bitbucket told, if it did."""

    def __init__(
        self,
        message: str,
        *,
        credential: str,
        status: int,
        required: tuple[str, ...] = (),
        granted: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.credential = credential
        self.status = status
        self.required = required
        self.granted = granted


class NotFound(BitbucketError):
    """Twice, a minute apart, means gone: a thing that was just made may not be there at once."""


class Conflict(BitbucketError):
    """Change the one that is there instead."""


class HeadMoved(Conflict):
    """Read the branch again, make the change anew on its head."""


class Refused(BitbucketError):
    """`status` is Bitbucket's; its reason is in the message."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class AlreadyEnded(Refused):
    """Read the run: it has a result."""


class RateLimited(BitbucketError):
    """Nobody calls with this credential for `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpent(BitbucketError):
    """Come back at `until`; what a person asks for may go a tenth beyond the budget."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Unreachable(BitbucketError):
    """`maybe_done`: the request may have been carried out all the same, so look before it is sent again."""

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
