"""Attempts of one activity share the request that is under way."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

import pytest
from forge_core.llm.arrival import Arrival
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer
from forge_core.models.call.llm import CallUsage
from forge_core.records import requests_in_flight
from forge_core.records.answer_journal import AnswerKey, KeptAnswer
from forge_core.records.requests_in_flight import AttemptRow, Flight, RequestsInFlight

KEY = AnswerKey("forge-t-01234567", "run", "5", 0, "digest")
KEPT = KeptAnswer(ModelAnswer("{}", CallUsage(model_name="m", input_tokens=7)), 1)


@dataclass
class Provider:
    """Answers when it is told to, and counts what it is asked."""

    sent: int = 0
    cancelled: bool = False
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    failure: ModelFailure | None = None
    reported: list[ModelFailure] = field(default_factory=list)

    async def send(self, _: Arrival) -> KeptAnswer:
        self.sent += 1
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.failure is not None:
            raise self.failure
        return KEPT

    async def report(self, failure: ModelFailure) -> None:
        self.reported.append(failure)

    def ask(
        self, requests: RequestsInFlight, attempt: int, *, drops: bool = False
    ) -> tuple[Flight, Coroutine[None, None, KeptAnswer]]:
        flight = requests.join(KEY, AttemptRow(attempt), self.send, self.report)
        return flight, requests.wait(flight, lambda: drops)


async def begin(waiting: Coroutine[None, None, KeptAnswer]) -> "asyncio.Task[KeptAnswer]":
    """Wait in a task, until it waits."""
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    return task


async def end(task: "asyncio.Task[KeptAnswer]") -> None:
    """Cancel a task, as Temporal does with an attempt."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_second_attempt_gets_the_answer_that_the_first_paid_for() -> None:
    requests, provider = RequestsInFlight(), Provider()
    _, first = provider.ask(requests, 1)
    waiting = await begin(first)
    flight, second = provider.ask(requests, 2)
    joined = await begin(second)

    await end(waiting)
    provider.answer.set()

    assert await joined == KEPT
    assert (provider.sent, flight.row.activity_attempt) == (1, 1)


async def test_an_attempt_that_comes_after_the_first_was_told_to_end_joins_too() -> None:
    requests, provider = RequestsInFlight(), Provider()
    _, first = provider.ask(requests, 1)
    await end(await begin(first))
    _, second = provider.ask(requests, 2)
    joined = await begin(second)
    provider.answer.set()

    assert await joined == KEPT
    assert provider.sent == 1


async def test_a_request_that_is_not_wanted_ends_before_its_last_attempt_does() -> None:
    requests, provider = RequestsInFlight(), Provider()
    _, first = provider.ask(requests, 1, drops=True)
    _, second = provider.ask(requests, 2)
    dropping, other = await begin(first), await begin(second)

    await end(dropping)
    shared = provider.cancelled
    await end(other)

    assert (shared, provider.cancelled) == (False, True)


async def test_a_request_that_no_attempt_joins_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests_in_flight, "GRACE_S", 1)
    requests, provider = RequestsInFlight(), Provider()
    flight, first = provider.ask(requests, 1)
    await end(await begin(first))

    async with asyncio.timeout(30):
        await asyncio.wait([flight.task])
    assert provider.cancelled


async def test_a_failure_that_no_attempt_waits_for_is_reported() -> None:
    failure = ModelFailure("overloaded", "try later")
    requests, provider = RequestsInFlight(), Provider(failure=failure)
    flight, first = provider.ask(requests, 1)
    await end(await begin(first))
    provider.answer.set()

    async with asyncio.timeout(30):
        await asyncio.wait([flight.task])
    assert provider.reported == [failure]


async def test_a_request_that_failed_is_sent_again() -> None:
    requests, provider = RequestsInFlight(), Provider(failure=ModelFailure("timeout", "late"))
    provider.answer.set()
    for attempt in (1, 2):
        _, waiting = provider.ask(requests, attempt)
        with pytest.raises(ModelFailure):
            await waiting

    assert (provider.sent, provider.reported) == (2, [])
