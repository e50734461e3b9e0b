"""How an environment is asked whether it is well, as bodies say it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from service.addresses import is_public
from service.configs import InvalidValue, grammar
from service.web.refusals import invalid_value_problem
from service.web.words import PRINTABLE


class HealthCheck(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Either `url` or `path`, which is asked at the environment's own address. Times are in seconds."""

    url: Annotated[str, msgspec.Meta(max_length=2000, pattern=PRINTABLE)] | None = None
    path: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    expected_status: Annotated[int, msgspec.Meta(ge=100, le=599)] = 200
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    attempts: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    interval_seconds: Annotated[int, msgspec.Meta(ge=0, le=600)] = 2


def checked_health_check(wanted: HealthCheck, *, allow_private: bool) -> dict[str, Any]:
    """As it is stored. Raises a 422. What a name leads to is looked at again when it is asked."""
    try:
        if (wanted.url is None) == (wanted.path is None):
            raise InvalidValue("health_check", "takes `url` or `path`, one of the two")
        if wanted.url is not None:
            _check_url(wanted.url, allow_private)
        if wanted.path is not None:
            grammar.url_path("health_check.path", wanted.path)
    except InvalidValue as error:
        raise invalid_value_problem(error) from None
    return {key: value for key, value in msgspec.structs.asdict(wanted).items() if value is not None}


def _check_url(url: str, allow_private: bool) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        usable = usable and (parts.port is None or parts.port > 0) and url.isascii() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise InvalidValue("health_check.url", "not an address such as https://shop.example.com/healthz")
    if not allow_private and (parts.scheme != "https" or not _is_public(parts.hostname or "")):
        why = "only https and public hosts are asked; PENSTOCK_ALLOW_PRIVATE_TARGETS=true allows others"
        raise InvalidValue("health_check.url", why)


def _is_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        pass
    try:
        grammar.hostname("health_check.url", host)  # knows `localhost`, and the other ways to spell a number
    except InvalidValue:
        return False
    return True
