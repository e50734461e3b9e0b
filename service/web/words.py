"""Kinds of values that several bodies take."""

from __future__ import annotations

from typing import Annotated

import msgspec

from service.web.call import LARGEST_ID

# No control characters: PostgreSQL has no place for a NUL, and nothing here needs the others.
PRINTABLE = r"^[^\u0000-\u001f\u007f]*$"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
Text = Annotated[str, msgspec.Meta(max_length=255, pattern=PRINTABLE)]
Id = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
