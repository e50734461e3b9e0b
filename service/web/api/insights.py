"""How well deploying goes: DORA's four measures of each environment. What they mean stands with their question."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from service.store import insights
from service.store.insights import Measures, Window
from service.web.call import (
    LARGEST_ID,
    bad_cursor,
    cursor_of,
    house_of,
    limit_of,
    number_of,
    page,
    text_of,
    viewer_of,
)
from service.web.openapi import ListOf
from service.web.operation import LIST, Operation, Query, Right
from service.web.problems import Problem

DAYS = 30
MOST_DAYS = 366


class DayShape(msgspec.Struct, frozen=True, kw_only=True):
    """A day by UTC on which something was brought to the environment."""

    date: date
    deployments: int
    failures: int


class MeasuresShape(msgspec.Struct, frozen=True, kw_only=True):
    """One environment of one pipeline; times are medians; what there was nothing to measure for is null."""

    pipeline_id: int
    repository: str
    environment: str
    since: datetime
    until: datetime
    deployments: int
    deployments_per_day: float
    lead_time_seconds: float | None
    failures: int
    change_failure_rate: float | None
    time_to_restore_seconds: float | None
    unrestored: bool
    rollbacks: int
    days: list[DayShape]


async def show_dora(request: Request) -> Response:
    viewer = await viewer_of(request)
    limit, window = limit_of(request), window_of(request)
    async with house_of(request).database.read() as connection:
        found = await insights.measures(connection, viewer, window, after=_after(request), limit=limit + 1)
    places = [f"{one.pipeline_id}:{quote(one.environment, safe='')}" for one in found]
    return page([_shape(one, window) for one in found], limit, places)


def window_of(request: Request) -> Window:
    """The window of the query. Raises a 422."""
    asked = number_of(request, "days")
    days = DAYS if asked is None else asked
    if not 1 <= days <= MOST_DAYS:
        told = f"a number from 1 to {MOST_DAYS}"
        raise Problem(422, f"days is {told}", errors=[("days", told)])
    until = house_of(request).recorder.now()
    return Window(
        since=until - timedelta(days=days),
        until=until,
        pipeline_id=number_of(request, "pipeline_id"),
        repository_id=number_of(request, "repository_id"),
        environment=text_of(request, "environment"),
    )


operations = [
    Operation(
        method="GET",
        path="/api/insights/dora",
        handler=show_dora,
        right=Right.SIGNED_IN,
        summary="Deployment frequency, lead time, change failure rate and time to restore of each environment",
        answer=ListOf(MeasuresShape),
        query=(
            *LIST,
            Query("days", int, f"how far back, 1 to {MOST_DAYS}, {DAYS} by default"),
            Query("pipeline_id", int),
            Query("repository_id", int),
            Query("environment"),
        ),
    ),
]


def _after(request: Request) -> tuple[int, str] | None:
    place = cursor_of(request)
    if place is None:
        return None
    number, colon, environment = place.partition(":")
    if not colon or not number.isdigit() or len(number) > len(str(LARGEST_ID)) or int(number) > LARGEST_ID:
        raise bad_cursor()
    return int(number), unquote(environment).replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _shape(one: Measures, window: Window) -> MeasuresShape:
    length = (window.until - window.since) / timedelta(days=1)
    return MeasuresShape(
        pipeline_id=one.pipeline_id,
        repository=one.repository,
        environment=one.environment,
        since=window.since,
        until=window.until,
        deployments=one.deployments,
        deployments_per_day=round(one.deployments / length, 4),
        lead_time_seconds=one.lead_time_seconds,
        failures=one.failures,
        change_failure_rate=one.change_failure_rate,
        time_to_restore_seconds=one.time_to_restore_seconds,
        unrestored=one.unrestored,
        rollbacks=one.rollbacks,
        days=[DayShape(date=day.date, deployments=day.deployments, failures=day.failures) for day in one.days],
    )
