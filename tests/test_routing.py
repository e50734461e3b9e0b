"""The router: which handler answers which event."""

from __future__ import annotations

import pytest

from service.events import BranchPushed, Event, RefDeleted, TagPushed
from service.routing import Router

pytestmark = pytest.mark.anyio

Words = Router[list[str], str]

PUSHED = BranchPushed(None, "main", commit="0f" * 20)


def pushes() -> Words:
    router = Words()

    @router.on(BranchPushed, TagPushed)
    async def open_execution(event: BranchPushed | TagPushed, record: list[str]) -> str:
        record.append(event.commit)
        return f"opened for {event.ref}"

    return router


def deletions() -> Words:
    router = Words()

    @router.on(RefDeleted)
    async def forget_ref(event: RefDeleted, record: list[str]) -> str:
        return f"forgot {event.ref}"

    return router


async def test_an_event_reaches_the_handler_of_its_kind_with_the_record() -> None:
    record: list[str] = []

    answer = await pushes().dispatch(PUSHED, record)

    assert (answer, record) == ("opened for main", ["0f" * 20])


async def test_one_handler_may_answer_several_kinds() -> None:
    assert await pushes().dispatch(TagPushed(None, "v1", commit="0f" * 20), []) == "opened for v1"


async def test_merged_routers_answer_what_each_answers() -> None:
    router = Words(pushes(), deletions())

    assert router.kinds == {BranchPushed, TagPushed, RefDeleted}
    assert await router.dispatch(RefDeleted(None, "old"), []) == "forgot old"


def test_two_handlers_for_one_kind_are_refused_with_both_names() -> None:
    router = pushes()

    async def count_push(event: BranchPushed, record: list[str]) -> str:
        return ""

    with pytest.raises(ValueError, match="BranchPushed has two handlers: open_execution, count_push"):
        router.on(BranchPushed)(count_push)


def test_merging_two_routers_that_answer_one_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="BranchPushed has two handlers"):
        Words(pushes(), pushes())


async def test_a_kind_that_nobody_answers_is_an_error() -> None:
    with pytest.raises(KeyError, match="RefDeleted"):
        await pushes().dispatch(RefDeleted(None, "old"), [])


async def test_a_kind_is_matched_exactly_and_not_by_its_parents() -> None:
    router = Words()

    @router.on(Event)
    async def anything(event: Event, record: list[str]) -> str:
        return "anything"

    with pytest.raises(KeyError):
        await router.dispatch(PUSHED, [])
