"""Sums by any number of readers: those of the calls one by one, however damaged some are."""

import random
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from forge_obs import (
    CallQuery,
    Grouping,
    RangeSums,
    StoreReader,
    StoreUnreadable,
    archive,
    flush,
    upgrade,
)
from forge_obs.database.connections import identify, list_connections
from forge_obs.model.sanitize import format_time
from forge_obs.model.sums.groups import find_group
from forge_obs.store import call_scope, parallel, statistics

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALLS = 400
NO_FIGURE = (-1, "abc", b"\0\xff", float("inf"))
"""What a column of numbers must not hold."""

USAGES = (None, "{}", '{"input_audio_tokens":7}', b"\0", "no JSON")

GROUPINGS: tuple[Grouping | None, ...] = (None, "task", "error", "hour", "outcome", "role")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read small stores in many ranges."""
    monkeypatch.setattr(call_scope, "FIRST_SPAN", 3)
    monkeypatch.setattr(call_scope, "WIDEST_SPAN", 16)
    monkeypatch.setattr(statistics, "_WIDEST", 40)
    monkeypatch.setattr(parallel, "WORTHWHILE", 50)


def read_by(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "count_readers", lambda: number)


def open_store(path: Path) -> StoreReader:
    reader = StoreReader.open(path)
    assert reader is not None
    return reader


def make_store(path: Path, seed: int, damage: float) -> None:
    """Fill a store with calls of every kind, some of which hold what their columns cannot."""
    upgrade(path)
    flush()
    dice = random.Random(seed)  # noqa: S311 - no secret
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(1, CALLS + 1):
            insert(connection, "interactions", build_row(dice, number, damage))
            if dice.random() < 0.8:
                insert(connection, "call_facts", build_facts(dice, number, damage))


def insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    places = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"  # noqa: S608
    connection.execute(statement, list(row.values()))


def build_row(dice: random.Random, number: int, damage: float) -> dict[str, object]:
    late = timedelta(days=dice.choice([0, 0, 0, 0, 0, 0, 3]))
    row: dict[str, object] = {
        "id": number,
        "entry_id": f"call-{number}",
        "task_id": f"t{dice.randrange(30)}",
        "role": dice.choice(["llm", "planner"]),
        "model_name": dice.choice(["gpt-4o", "x", "", f"model-{dice.randrange(3)}"]),
        "request_model": dice.choice([None, "openai:gpt-4o", "o'hara"]),
        "status": dice.choice(["ok", "ok", "error", "started"]),
        "error_type": dice.choice([None, None, "timeout", "rate_limited"]),
        "error": dice.choice([None, "boom", "HTTP 500"]),
        "origin": dice.choice(["provider", "provider", "scripted"]),
        "usage_known": dice.choice([1, 1, 1, 0]),
        "attempt": dice.choice([None, 1, 2]),
        "input_tokens": dice.randrange(5_000),
        "output_tokens": dice.randrange(900),
        "cache_read_tokens": dice.choice([0, 300]),
        "reasoning_tokens": dice.choice([0, 0, 500]),
        "latency_ms": dice.choice([dice.expovariate(1 / 900), 812.345678, 0, 7]),
        "created_at": format_time(NOON + timedelta(minutes=10 * number) - late),
        "system_prompt": "",
        "user_prompt": f"text {number} " * 40,
    }
    if dice.random() < damage:
        row["latency_ms"] = dice.choice([1e15, 1e300])
    for name in ("input_tokens", "latency_ms", "usage_known", "attempt"):
        if dice.random() < damage:
            row[name] = dice.choice(NO_FIGURE)
    for name in ("model_name", "status", "origin", "created_at"):
        if dice.random() < damage:
            row[name] = dice.choice([b"\xff", 7, "\0"])
    return row


def build_facts(dice: random.Random, number: int, damage: float) -> dict[str, object]:
    facts: dict[str, object] = {
        "interaction_id": number,
        "outcome": dice.choice([None, "accepted", "refused", "asked"]),
        "failed_checks_json": dice.choice([None, "[]"]),
        "service_tier": dice.choice([None, None, "priority"]),
        "stated_cost_usd": dice.choice([None, None, dice.random() / 7, 3]),
        "first_token_ms": dice.choice([None, 12.5]),
        "usage_json": dice.choice(USAGES) if dice.random() < 0.2 else None,
    }
    for name in ("stated_cost_usd", "first_token_ms"):
        if dice.random() < damage:
            facts[name] = dice.choice(NO_FIGURE)
    return facts


Folded = dict[str | None, list[Any]]


def fold(parts: Iterable[RangeSums]) -> Folded:
    """Add up what was read, by group."""
    folded: Folded = {}
    for part in parts:
        for total in part.sums:
            figures: list[Any] = [total.calls, total.failed, total.started, total.input_tokens]
            figures += [total.output_tokens, total.cache_read_tokens, total.stated_usd]
            add(folded, total.group, figures, total.latencies_ns, total.first_tokens_ns)
        for group, call in part.singles:
            add_call(folded, group, call)
    return {group: [*figures, *map(sorted, lists)] for group, (figures, lists) in folded.items()}


def fold_singly(reader: StoreReader, by: Grouping | None) -> Folded:
    """Add up the calls one by one."""
    folded: Folded = {}
    for call in reader.calls.iterate(CallQuery()):
        add_call(folded, find_group(call, by), call)
    return {group: [*figures, *map(sorted, lists)] for group, (figures, lists) in folded.items()}


def add_call(folded: Folded, group: str | None, call: Any) -> None:
    stated = Decimal(str(call.stated_cost_usd or 0))
    figures: list[Any] = [
        1,
        int(call.status == "error"),
        int(call.status == "started"),
        call.input_tokens,
    ]
    figures += [call.output_tokens, call.cache_read_tokens, stated]
    is_answer = call.status == "ok" and call.origin == "provider"
    has_first = is_answer and call.first_token_ms is not None
    latencies, first = [call.latency_ms] * is_answer, [call.first_token_ms] * has_first
    add(folded, group, figures, *([round(ms * 1e6) for ms in each] for each in (latencies, first)))


def add(folded: Folded, group: str | None, figures: list[Any], *lists: Iterable[float]) -> None:
    known, durations = folded.setdefault(group, [[0] * len(figures), [[] for _ in lists]])
    known[:] = [a + b for a, b in zip(known, figures, strict=True)]
    for own, more in zip(durations, lists, strict=True):
        own.extend(more)


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize(("seed", "damage"), [(1, 0.0), (2, 0.004), (3, 0.05)])
def test_sums_are_those_of_the_calls_by_one_reader_or_several(
    seed: int, damage: float, by: Grouping | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forge.db"
    make_store(path, seed, damage)
    reader = open_store(path)
    expected = fold_singly(reader, by)

    for number in (1, 3):
        read_by(number, monkeypatch)
        assert fold(reader.calls.sum(CallQuery(), by)) == expected, number


SOUND = {
    "input_tokens": 900,
    "output_tokens": 90,
    "cache_read_tokens": 300,
    "cache_write_tokens": 600,
    "reasoning_tokens": 90,
}


@pytest.mark.parametrize(
    ("changes", "is_sound", "is_special"),
    [
        ({}, True, False),
        ({"input_tokens": 899}, True, True),
        ({"reasoning_tokens": 91}, True, True),
        ({"input_tokens": 1 << 62, "output_tokens": 1 << 62}, True, False),
        ({"cache_write_tokens": -1}, False, None),
        ({"cache_read_tokens": -(1 << 63)}, False, None),
        ({"output_tokens": -90, "reasoning_tokens": -91}, False, None),
        ({"cache_read_tokens": "many"}, False, None),
    ],
)
def test_counts_that_contradict_each_other_are_told_apart_from_those_that_are_none(
    changes: dict[str, object], is_sound: bool, is_special: bool | None, tmp_path: Path
) -> None:
    path = tmp_path / "forge.db"
    upgrade(path)
    flush()
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(1, 301):
            row = {**build_row(random.Random(number), number, 0.0), **SOUND}  # noqa: S311
            insert(connection, "interactions", {**row, **(changes if number == 50 else {})})
    reader = open_store(path)

    parts = list(reader.calls.sum(CallQuery(), "role"))

    assert fold(parts) == fold_singly(reader, "role")
    assert any(call.id == 50 for part in parts for _, call in part.singles) is not is_sound
    special = sum(total.calls for part in parts for total in part.sums if total.is_special)
    assert special == int(is_special or False)


def test_what_a_writer_has_not_committed_is_in_no_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forge.db"
    make_store(path, 4, 0.0)
    reader = open_store(path)
    before = fold(reader.calls.sum(CallQuery(), "task"))
    read_by(3, monkeypatch)

    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE interactions SET input_tokens = 1")
        writer.execute("DELETE FROM interactions WHERE id % 2")
        beside = fold(reader.calls.sum(CallQuery(), "task"))
        writer.execute("ROLLBACK")

    assert beside == before


def test_archived_calls_are_in_the_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "forge.db"
    make_store(path, 5, 0.0)
    reader = open_store(path)
    before = fold(reader.calls.sum(CallQuery(), "role"))
    read_by(2, monkeypatch)

    assert archive(path, datetime.now(UTC)).calls == CALLS

    assert fold(reader.calls.sum(CallQuery(), "role")) == before


def test_page_that_no_reader_can_read_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forge.db"
    make_store(path, 6, 0.0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    place = data.index(b"text 200 ") // 4096 * 4096
    data[place : place + 4096] = b"\xaa" * 4096
    path.write_bytes(data)
    read_by(3, monkeypatch)

    with pytest.raises(StoreUnreadable, match="SQLITE_CORRUPT"):
        fold(open_store(path).calls.sum(CallQuery()))

    assert not list_readers(path)


def list_readers(path: Path) -> list[str]:
    """Name the threads that read, and the connections to a file."""
    threads = [thread.name for thread in threading.enumerate()]
    readers = [name for name in threads if name.startswith("forge-obs-reader")]
    here = identify(str(path))
    return readers + [repr(each) for each in list_connections() if each.identity == here]


def test_reader_that_is_given_up_leaves_neither_thread_nor_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forge.db"
    make_store(path, 7, 0.0)
    read_by(3, monkeypatch)
    sums = open_store(path).calls.sum(CallQuery())
    assert isinstance(sums, Iterator)

    next(sums)
    while_reading = list_readers(path)
    sums.close()  # type: ignore[attr-defined]

    assert len(while_reading) > 2
    assert not list_readers(path)


def test_more_models_than_get_numbers_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forge.db"
    make_store(path, 8, 0.0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE interactions SET model_name = 'm' || (id % 97)")
    reader = open_store(path)
    read_by(2, monkeypatch)

    parts = list(reader.calls.sum(CallQuery(), "role"))

    assert fold(parts) == fold_singly(reader, "role")
    assert len({total.model_name for part in parts for total in part.sums}) == 97
