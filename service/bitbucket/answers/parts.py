"""What the answers are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

T = TypeVar("T")
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object of Bitbucket's."""


class Page(Answer, Generic[T], frozen=True, kw_only=True):
    """A part of a list; `next` is the whole URL of the following part, absent on the last. `size` is of the whole."""

    values: list[T]
    next: str | None = None
    size: int | None = None


class Named(Answer, frozen=True, kw_only=True):
    name: str = ""


class Uuid(Answer, frozen=True, kw_only=True):
    uuid: str


class Hash(Answer, frozen=True, kw_only=True):
    """A commit named by its hash, which a pull request shortens to 12 digits."""

    hash: str


class Link(Answer, frozen=True, kw_only=True):
    href: str = ""


class Links(Answer, frozen=True, kw_only=True):
    """`html` is the page for people. No other link is ever followed."""

    html: Link | None = None

    @property
    def page(self) -> str | None:
        """The page for people; None for what is no web address: it becomes a link for somebody to follow."""
        return self.html.href if self.html and self.html.href.startswith("https://") else None
