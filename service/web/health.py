"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.store import migrate
from service.web.call import answer, house_of

SECONDS = 3.0


async def healthz(request: Request) -> Response:
    return answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Ready when the database answers at this version's schema, and every worker this process should run does."""
    house = house_of(request)
    try:
        async with asyncio.timeout(SECONDS):
            schema = await migrate.current(house.database) == migrate.NEWEST
    except Exception:
        schema = False
    parts = {"database": schema, "workers": house.workers_alive()}
    ready = all(parts.values())
    return answer({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


routes = [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
