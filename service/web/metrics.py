"""`GET /metrics`: what a Prometheus asks for, https://prometheus.io/docs/instrumenting/exposition_formats/.

It is for whoever asks from this machine itself, or shows an administrator's token. A proxy on this machine speaks for
somebody elsewhere, and says so in a header: then only the token counts.
"""

from __future__ import annotations

import ipaddress
import os
import resource
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service import __version__
from service.machine import State
from service.store import measures
from service.store.measures import Load
from service.web.call import address_of, house_of, viewer_of
from service.web.house import House
from service.web.problems import Problem

MEDIA = "text/plain; version=0.0.4; charset=utf-8"

# What a proxy adds. Whoever came through one is not from here.
PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

Sample = tuple[Mapping[str, str], float]

_started = time.time()


async def show_metrics(request: Request) -> Response:
    if not _from_here(request):
        viewer = await viewer_of(request)
        if not viewer.is_admin or "read" not in viewer.scopes:
            raise Problem(403, "metrics are for administrators, and for whoever asks from the machine itself")
    house = house_of(request)
    async with house.database.read() as connection:
        load = await measures.load(connection)
    return Response("".join(_told(house, load)), media_type=MEDIA)


routes = [Route("/metrics", show_metrics, methods=["GET"])]


def _from_here(request: Request) -> bool:
    if request.headers.get("authorization") or any(name in request.headers for name in PROXIED):
        return False
    try:
        return ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


def _told(house: House, load: Load) -> Iterable[str]:
    now = house.recorder.now()
    alone: list[tuple[str, str, str, float]] = [
        ("log_entries_total", "counter", "Entries that were written to the event log.", load.cursor),
        ("executions_total", "counter", "Executions that were opened.", load.executions),
        (
            "deliveries_waiting",
            "gauge",
            "Webhook deliveries that are stored and not processed yet.",
            load.deliveries_waiting,
        ),
        ("delivery_age_seconds", "gauge", "How long the oldest of them has waited.", _age(load.oldest_delivery, now)),
        (
            "deliveries_dead",
            "gauge",
            "Deliveries that were given up: `penstock deliveries list`.",
            load.deliveries_dead,
        ),
        (
            "work_age_seconds",
            "gauge",
            "For how long the work that waits longest has been due.",
            _age(load.oldest_due, now),
        ),
        ("streams_open", "gauge", "Server-Sent Event streams of this process.", len(house.streams)),
        ("workers_alive", "gauge", "1 while every worker of this process runs.", float(house.workers_alive())),
    ]
    yield from _metric("build_info", "gauge", "The version that runs.", [({"version": __version__}, 1)])
    for name, kind, meaning, value in alone:
        yield from _metric(name, kind, meaning, [({}, value)])
    unended = [state for state in State if not state.final]
    running = [({"status": str(state)}, load.running.get(state, 0)) for state in unended]
    yield from _metric("executions_running", "gauge", "Executions that have not ended.", running)
    for status, found in (("waiting", load.work_waiting), ("dead", load.work_dead)):
        rows = [({"kind": kind}, number) for kind, number in sorted(found.items())]
        yield from _metric(f"work_{status}", "gauge", f"Pieces of work that are {status}, by kind.", rows)
    left = [({"credential": str(number)}, calls) for number, (calls, _) in sorted(load.credentials.items())]
    yield from _metric("credential_calls_left", "gauge", "Calls to Bitbucket left when one was last made.", left)
    broken = [({"credential": str(number)}, float(bad)) for number, (_, bad) in sorted(load.credentials.items())]
    yield from _metric("credential_broken", "gauge", "1 for a credential that Bitbucket refuses.", broken)
    yield from _process()


def _process() -> Iterable[str]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    yield from _metric("process_cpu_seconds_total", "counter", "CPU time.", [({}, cpu)], prefix="")
    yield from _metric("process_start_time_seconds", "gauge", "When it started.", [({}, _started)], prefix="")
    pages = Path("/proc/self/statm")
    if pages.exists():
        resident = int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        yield from _metric("process_resident_memory_bytes", "gauge", "Memory in use.", [({}, resident)], prefix="")
        handles = len(os.listdir("/proc/self/fd"))
        yield from _metric("process_open_fds", "gauge", "Open file descriptors.", [({}, handles)], prefix="")


def _metric(
    name: str, kind: str, meaning: str, samples: Iterable[Sample], *, prefix: str = "penstock_"
) -> Iterable[str]:
    yield f"# HELP {prefix}{name} {meaning}\n# TYPE {prefix}{name} {kind}\n"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_quoted(text)}"' for key, text in labels.items())
        yield f"{prefix}{name}{{{shown}}} {value:.17g}\n" if shown else f"{prefix}{name} {value:.17g}\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
