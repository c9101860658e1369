"""A block around a request is on record, whatever happens in it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from forge_obs import Interaction, Observation, get_interactions, observe, open_reader, record
from support.store import locked

# Tests pass what no type checker would let through.
untyped: Any = observe


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def stored(db: Path) -> list[Interaction]:
    reader = open_reader(db)
    assert reader is not None
    return get_interactions(reader)


def test_call_is_started_before_the_block_and_completed_after_it(db: Path) -> None:
    with observe(task_id="t", model="m", system_prompt="s", user_prompt="u") as call:
        [started] = stored(db)
        call.answer("Hello.", usage={"prompt_tokens": 9, "completion_tokens": 2}, model="m-2026")

    [done] = stored(db)
    assert (started.status, started.entry_id) == ("started", call.entry_id)
    assert (done.status, done.entry_id, done.role) == ("ok", call.entry_id, "llm")
    assert (done.system_prompt, done.user_prompt, done.response) == ("s", "u", "Hello.")
    assert (done.request_model, done.model_name) == ("m", "m-2026")
    assert (done.input_tokens, done.output_tokens) == (9, 2)
    assert done.latency_ms > 0
    assert done.created_at == started.created_at
    assert done.notes is None


def test_block_names_its_spans_session_and_run(db: Path) -> None:
    ids = {
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "parent_span_id": "b7ad6b7169203331",
        "session_id": "s-1",
        "root_run_id": "r-1",
    }
    with observe(task_id="t", model="m", **ids) as call:  # type: ignore[arg-type]
        [started] = stored(db)
        call.answer("Hello.", response_id="resp-1")

    [done] = stored(db)
    for row in (started, done):
        assert {name: getattr(row, name) for name in ids} == ids
    assert done.response_id == "resp-1"


def test_block_whose_first_entry_was_not_stored_is_complete(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")
    before = datetime.now(UTC)
    with observe(task_id="t", model="m", system_prompt="s", user_prompt="u") as call:
        after = datetime.now(UTC)
        monkeypatch.setenv("FORGE_DB_PATH", str(db))
        record("outcome", entry_id=call.entry_id, outcome="accepted")
        call.answer("Hello.")

    [done] = stored(db)
    assert (done.system_prompt, done.user_prompt, done.outcome) == ("s", "u", "accepted")
    assert before <= done.created_at <= after


def test_outcome_may_be_known_inside_of_the_block(db: Path) -> None:
    with observe(task_id="t", model="m") as call:
        call.answer("Hello.", usage={"prompt_tokens": 9, "completion_tokens": 2})
        assert record("outcome", entry_id=call.entry_id, outcome="refused", reason="dull")

    [done] = stored(db)
    assert (done.status, done.outcome, done.outcome_reason) == ("ok", "refused", "dull")
    assert done.usage_json is not None


class Refused(Exception):
    """As a client raises it."""

    status_code = 429


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refused("slow down"), "rate_limited"),
        (ValueError("boom"), "ValueError"),
        (TimeoutError(), "timeout"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(3), "SystemExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_exception_is_recorded_and_passed_on(db: Path, error: BaseException, kind: str) -> None:
    with pytest.raises(type(error)) as raised, observe(task_id="t", model="m"):
        raise error

    [call] = stored(db)
    assert raised.value is error
    assert (call.status, call.error_type) == ("error", kind)
    assert str(call.error).startswith(type(error).__name__)


def parse(call: Observation) -> None:
    call.answer("nonsense", usage={"prompt_tokens": 9, "completion_tokens": 2})
    raise ZeroDivisionError


def test_answer_before_the_exception_stays_on_record(db: Path) -> None:
    with pytest.raises(ZeroDivisionError), observe(task_id="t", model="m") as call:
        parse(call)

    [done] = stored(db)
    assert (done.status, done.response, done.input_tokens) == ("error", "nonsense", 9)


def test_block_without_an_answer_is_an_error(db: Path) -> None:
    with observe(task_id="t", model="m"):
        pass

    [call] = stored(db)
    assert (call.status, call.error_type) == ("error", "no_answer")


def test_stream_is_joined_and_its_first_token_timed(db: Path) -> None:
    with observe(task_id="t", model="m") as call:
        for piece in ("", "Hel", "lo."):
            call.chunk(piece)
        call.chunk(usage={"prompt_tokens": 9, "completion_tokens": 2})

    [done] = stored(db)
    assert (done.status, done.response, done.output_tokens) == ("ok", "Hello.", 2)
    assert done.first_token_ms is not None
    assert 0 < done.first_token_ms <= done.latency_ms


def test_stream_that_is_left_early_keeps_what_came(db: Path) -> None:
    def stream() -> Iterator[str]:
        with observe(task_id="t", model="m") as call:
            for piece in ("Hel", "lo."):
                call.chunk(piece)
                yield piece

    pieces = stream()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]

    [done] = stored(db)
    assert (done.status, done.error_type, done.response) == ("error", "cancelled", "Hel")


def test_generator_that_is_left_after_its_answer_is_no_failure(db: Path) -> None:
    def stream() -> Iterator[str]:
        with observe(task_id="t", model="m") as call:
            call.answer("Hello.")
            yield "Hello."

    pieces = stream()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]

    assert [call.status for call in stored(db)] == ["ok"]


def test_blocks_may_be_nested_concurrent_and_used_again(db: Path) -> None:
    def ask(name: str) -> None:
        with observe(task_id=name) as outer, observe(task_id=f"{name}, inner") as inner:
            inner.answer(f"{name}, inner")
            outer.answer(name)

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = observe(task_id="again")
    for _ in range(2):
        with again as call:
            call.answer("again")

    calls = stored(db)
    assert len(calls) == 18
    assert all(call.status == "ok" and call.response == call.task_id for call in calls)


def test_async_block_is_recorded_in_a_thread(db: Path) -> None:
    async def ask(number: int) -> None:
        async with observe(task_id=str(number), model="m") as call:
            await asyncio.sleep(0)
            call.answer("Hello.")

    async def main() -> None:
        await asyncio.gather(*map(ask, range(8)))

    asyncio.run(main())

    assert [call.status for call in stored(db)] == ["ok"] * 8


def test_event_loop_goes_on_while_the_database_is_locked(db: Path) -> None:
    async def main() -> int:
        async with observe(task_id="first") as call:
            call.answer("first")
        ticks = 0
        with locked(db):
            block = asyncio.ensure_future(ask())
            while ticks < 50:
                await asyncio.sleep(0.001)
                ticks += 1
            assert not block.done()
        await block
        return ticks

    async def ask() -> None:
        async with observe(task_id="second") as call:
            call.answer("second")

    assert asyncio.run(main()) == 50
    assert [call.status for call in stored(db)] == ["ok", "ok"]


def test_cancelled_block_is_recorded(db: Path) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def ask() -> None:
            async with observe(task_id="t", model="m"):
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(ask())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    [call] = stored(db)
    assert (call.status, call.error_type) == ("error", "cancelled")


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_cancellation_during_a_write_leaves_no_call_open(db: Path, is_first: bool) -> None:
    async def main() -> None:
        async with observe(task_id="warm") as call:
            call.answer("warm")
        entered = asyncio.Event()

        async def ask() -> None:
            async with observe(task_id="t", model="m") as call:
                entered.set()
                call.answer("Hello.")
                if not is_first:
                    writing.__enter__()

        writing = locked(db)
        if is_first:
            writing.__enter__()
        task = asyncio.ensure_future(ask())
        if not is_first:
            await entered.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        writing.__exit__(None, None, None)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    [_, call] = stored(db)
    kinds = ("error", "not_sent") if is_first else ("ok", None)
    assert (call.status, call.error_type) == kinds


def test_async_stream_that_is_closed_is_recorded(db: Path) -> None:
    async def stream() -> AsyncIterator[str]:
        async with observe(task_id="t", model="m") as call:
            for piece in ("Hel", "lo."):
                call.chunk(piece)
                yield piece

    async def main() -> None:
        pieces = stream()
        await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())

    [call] = stored(db)
    assert (call.status, call.error_type, call.response) == ("error", "cancelled", "Hel")


class Hostile:
    """Raises wherever it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


HOSTILE = {
    "raising": Hostile(),
    "object": object(),
    "nan": float("nan"),
    "list": [],
    "bytes": b"\xff",
    "mapping": {"a": {1}},
    "number": -1,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_argument_raises(db: Path, name: str) -> None:
    value = HOSTILE[name]
    with untyped(value, task_id=value, model=value, messages=value, what=value) as call:
        call.chunk(value, usage=value)
        call.answer(value, value, usage=value, stats=value, model=value, what=value)
    with observe(task_id="t") as call:
        call.answer("sound")

    assert stored(db)[-1].response == "sound"


def test_exception_that_cannot_be_shown_is_passed_on(db: Path) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Mute), observe(task_id="t"):
        raise Mute

    assert [call.error_type for call in stored(db)] == ["Mute"]


def test_store_that_is_off_costs_the_block_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    with observe(task_id="t") as call:
        call.answer("Hello.")
