"""What is told of a run becomes a stream, which owns the work that tells it."""

import asyncio
from contextlib import aclosing

import pytest
from forge_core.errors import RunStuck
from forge_core.runs.events import (
    Events,
    RunEvent,
    RunProgress,
    ServerAway,
    ServerRestarting,
    SubmissionStarted,
    stream_events,
)

FIRST, LAST = ServerAway("first"), ServerAway("last")
SOON_S = 0.01


async def test_events_arrive_in_order_and_the_result_last() -> None:
    async def work(events: Events) -> RunEvent:
        events.emit(FIRST)
        await events.hand_over(ServerRestarting())
        return LAST

    assert [event async for event in stream_events(work)] == [FIRST, ServerRestarting(), LAST]


async def test_work_goes_on_only_once_its_reader_has_dealt_with_what_is_handed_over() -> None:
    steps: list[str] = []

    async def work(events: Events) -> RunEvent:
        await events.hand_over(SubmissionStarted("forge-x"))
        steps.append("work")
        return LAST

    async for event in stream_events(work):
        if event != LAST:
            await asyncio.sleep(0)
            steps.append("reader")

    assert steps == ["reader", "work"]


async def test_only_the_last_look_is_given_and_only_while_nothing_else_happens() -> None:
    release = asyncio.Event()

    async def work(events: Events) -> RunEvent:
        events.emit(RunProgress(()))
        events.emit(RunProgress(()))
        events.emit(FIRST)
        await release.wait()
        return LAST

    seen: list[RunEvent] = []
    async for event in stream_events(work, interval_s=SOON_S):
        seen.append(event)
        if event == RunProgress(()):
            release.set()

    assert seen[0] == FIRST
    assert RunProgress(()) in seen
    assert seen[-1] == LAST


async def test_reader_meets_the_failure_of_the_work_after_what_was_told() -> None:
    async def work(events: Events) -> RunEvent:
        events.emit(FIRST)
        raise RunStuck("it cannot go on")

    stream = stream_events(work)

    assert await anext(stream) == FIRST
    with pytest.raises(RunStuck, match="cannot go on"):
        await anext(stream)


@pytest.mark.parametrize("manner", ["closed", "cancelled"])
async def test_work_has_ended_when_its_stream_is_closed_or_its_reader_cancelled(
    manner: str,
) -> None:
    ended: list[str] = []

    async def work(events: Events) -> RunEvent:
        events.emit(FIRST)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(manner)
        return LAST

    async def read() -> None:
        async with aclosing(stream_events(work)) as events:
            async for _ in events:
                if manner == "closed":
                    return
                reader.cancel()

    reader = asyncio.create_task(read())
    await asyncio.wait([reader])

    assert reader.cancelled() == (manner == "cancelled")
    assert ended == [manner]
