"""Where a route leads, sealed; and how long the secret before signs beside a new one."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from service.notifications.signing import new_secret
from service.notifications.words import Kind
from service.store.routes import Route
from service.vault import Vault
from service.web.api.notification_bodies import TargetBody, destination
from service.web.call import house_of

# How long a secret that was replaced signs beside the new one.
BOTH = timedelta(hours=24)


async def sealed_target(request: Request, target: TargetBody) -> tuple[dict[str, Any], str | None]:
    """The columns, and the secret where it is to be shown: it was generated just now."""
    house = house_of(request)
    link, shown = await destination(target, house.outbound, house.apprise)
    place = secrets.token_hex(16)
    columns: dict[str, Any] = {"kind": target.kind, "place": place, "shown": shown, "secret": None}
    columns["target"] = house.vault.seal(link.encode(), table="routes", column="target", row=place)
    if target.kind is not Kind.WEBHOOK:
        return columns, None
    secret = target.secret or new_secret()
    columns["secret"] = house.vault.seal(secret.encode(), table="routes", column="secret", row=place)
    return columns, None if target.secret else secret


def in_place_of(known: Route, values: dict[str, Any], vault: Vault, *, now: datetime) -> dict[str, Any]:
    """The secret before signs on for a while, bound to where the new one is; not for another server."""
    cleared = {"failing_since": None, "last_error": None, "previous_secret": None, "previous_until": None}
    if known.secret is None or values["secret"] is None:
        return cleared
    before = vault.open(known.target, table="routes", column="target", row=known.place)
    after = vault.open(values["target"], table="routes", column="target", row=values["place"])
    if urlsplit(before)[:2] != urlsplit(after)[:2]:
        return cleared
    plain = vault.open(known.secret, table="routes", column="secret", row=known.place)
    again = vault.seal(plain, table="routes", column="secret", row=values["place"])
    return {**cleared, "previous_secret": again, "previous_until": now + BOTH}
