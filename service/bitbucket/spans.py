"""The end of a run as a webhook for traces tells it: OTLP in JSON, without a repository or an actor of its own.

https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-opentelemetry-traces-via-webhooks. Spans are sent when what
they measure is over, and more than once. The result that a run's span carries says COMPLETE for failed runs too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from service.bitbucket.reading import Node, Unexpected
from service.bitbucket.statuses import run_of
from service.events import Event, RunEnded, StepSpan, StepsTimed, Unreadable, Unused

RUN_SPAN = "bbc.pipeline_run"

# Both names have been seen. A tuple, for what stands in a span may be of any kind, and some kinds have no hash.
STEP_SPANS = ("bbc.step", "bbc.pipeline_step")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def repository_of(body: Node) -> str | None:
    """The uuid of the repository that the spans are about: the first one that is named."""
    try:
        named = (_attributes(span).at("pipeline.repository.uuid").uuid() for span in _spans(body))
        return next((uuid for uuid in named if uuid), None)
    except Unexpected:
        return None


def span_events(body: Node) -> Iterator[Event]:
    """One event per run's span, one for the steps of each run. Raises Unexpected without spans."""
    spans = list(_spans(body))
    runs = [span for span in spans if span.at("name").value == RUN_SPAN]
    for span in runs:
        try:
            yield _run_ended(_attributes(span), at=_nanoseconds(span.at("endTimeUnixNano").value))
        except Unexpected as unexpected:
            yield Unreadable(repository_of(body), reason=str(unexpected))
    timed = list(_timed([span for span in spans if span.at("name").value in STEP_SPANS], _numbers(runs)))
    yield from timed
    if not (runs or timed):
        reason = "neither a run's span nor a step's" if spans else "no spans in it"
        yield Unused(repository_of(body), key="pipeline:span_created", reason=reason)


def _spans(body: Node) -> Iterator[Node]:
    for resource in body.at("resourceSpans").items():
        for scope in resource.at("scopeSpans").items():
            yield from scope.at("spans").items()


def _attributes(span: Node) -> Node:
    """The attributes as one object, whichever of OTLP's types each has. Raises Unexpected if they are no list."""
    found: dict[str, object] = {}
    for attribute in span.at("attributes").items():
        key, value = attribute.at("key").value, attribute.at("value")
        if isinstance(key, str):
            found[key] = value.at("stringValue").value or value.at("intValue").value
    return Node(found)


def _run_ended(run: Node, *, at: datetime | None) -> Event:
    page = run_of(run.at("pipeline_run.url").text() or "")
    return RunEnded(
        run.at("pipeline.repository.uuid").uuid(),
        run.at("pipeline.target.ref_name").text(),
        build_number=run.at("pipeline.build_number").number() or (page.number if page else None),
        pipeline_uuid=run.at("pipeline.uuid").uuid(),
        run_number=run.at("pipeline_run.run_number").number(),
        at=at,
    )


def _numbers(runs: Iterable[Node]) -> dict[str, int]:
    """pipeline uuid → run number, of the runs' own spans: a step's does not name it."""
    found = {}
    for span in runs:
        try:
            facts = _attributes(span)
            uuid, number = facts.at("pipeline.uuid").uuid(), facts.at("pipeline_run.run_number").number()
        except Unexpected:
            continue
        if uuid and number:
            found[uuid] = number
    return found


def _timed(spans: Iterable[Node], numbers: dict[str, int]) -> Iterator[Event]:
    """One event for the steps of each run. A span that names no step, or whose times make no sense, says nothing."""
    runs: dict[tuple[str | None, int | None, str | None], list[StepSpan]] = {}
    for span in spans:
        try:
            facts = _attributes(span)
            repository, uuid = facts.at("pipeline.repository.uuid").uuid(), facts.at("pipeline.uuid").uuid()
            run = repository, facts.at("pipeline.build_number").number(), uuid
            step = facts.at("step.uuid").uuid()
            number = facts.at("pipeline_run.run_number").number() or numbers.get(uuid or "")
        except Unexpected:
            continue
        began, ended = (_nanoseconds(span.at(f"{which}TimeUnixNano").value) for which in ("start", "end"))
        if step and began and ended and EPOCH < began <= ended:
            runs.setdefault(run, []).append(StepSpan(step, began, ended, number))
    for (repository, build_number, uuid), steps in runs.items():
        yield StepsTimed(repository, build_number=build_number, pipeline_uuid=uuid, spans=tuple(steps))


def _nanoseconds(value: object) -> datetime | None:
    """A time from nanoseconds since 1970, which OTLP writes in digits, now and then as a number."""
    try:
        return EPOCH + timedelta(microseconds=int(value) // 1000) if isinstance(value, str | int) else None
    except (ValueError, OverflowError):
        return None
