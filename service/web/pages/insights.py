"""The page at `/insights`: how well deploying goes, one line an environment, with its days drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from service.store import insights
from service.store.insights import Measures, Window
from service.web.call import house_of, viewer_or_none
from service.web.pages.rendering import page, to_sign_in

CHOICES = (7, 30, 90)
USUAL = 30
MOST = 100

# A day's bar stands this far from the next, and the highest is so high, in the drawing's own units.
PITCH, HEIGHT = 6, 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A day as it is drawn: what went well from the ground up to `top`, failures on it up to `end`."""

    left: int
    top: float
    end: float
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """An environment with its drawing."""

    measures: Measures
    per_week: float
    bars: list[Bar]
    width: int


async def show_insights(request: Request) -> Response:
    viewer = await viewer_or_none(request)
    if viewer is None:
        return to_sign_in()
    house = house_of(request)
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in {str(choice) for choice in CHOICES} else USUAL
    until = house.recorder.now()
    window = Window(since=until - timedelta(days=days), until=until)
    async with house.database.read() as connection:
        found = await insights.measures(connection, viewer, window, after=None, limit=MOST + 1)
    lines = [_line(one, window, days) for one in found[:MOST]]
    return page(
        request,
        "insights.html",
        viewer=viewer,
        days=days,
        choices=CHOICES,
        lines=lines,
        height=HEIGHT,
        more=len(found) > MOST,
        most=MOST,
    )


def _line(one: Measures, window: Window, days: int) -> Line:
    first = window.since.date()
    most = max((day.deployments + day.failures for day in one.days), default=1)
    bars = [_bar(day.date, day.deployments, day.failures, first, most) for day in one.days]
    return Line(one, one.deployments * 7 / days, bars, (days + 1) * PITCH)


def _bar(day: date, deployments: int, failures: int, first: date, most: int) -> Bar:
    # a failure that was live for a while, and rolled back, is a deployment as well: it is drawn once, as a failure
    well = max(0, deployments - failures)
    scale = HEIGHT / max(most, 1)
    told = f"{day.isoformat()}: {deployments} deployed, {failures} failed"
    return Bar((day - first).days * PITCH, HEIGHT - well * scale, HEIGHT - (well + failures) * scale, told)
