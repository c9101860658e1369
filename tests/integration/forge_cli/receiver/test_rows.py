"""What was acknowledged is on record: one row a call, whatever its sender's span looks like."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_obs import flush, upgrade
from forge_obs.otel import SpanRecorder
from forge_obs.spool import file as spool
from support.otlp import CHAT, SPAN_ID, TRACE_ID, make_body, make_event_body, make_span
from support.otlp_server import Receiver, receiving
from support.store import eventually, locked

PROMPT = '[{"role": "user", "parts": [{"type": "text", "content": "What is 2 + 2?"}]}]'
FUTURE_NS = 4_102_444_800_000_000_000
"""The beginning of the year 2100."""


@pytest.fixture
def db() -> Path:
    path = Path(os.environ["FORGE_DB_PATH"])
    upgrade(path)
    return path


@pytest.fixture
def receiver(db: Path, impatient: None) -> Iterator[Receiver]:  # noqa: ARG001 - before it
    with receiving(SpanRecorder()) as running:
        yield running
    flush()


def read_rows(db: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(db)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM interactions ORDER BY id")]


def test_what_comes_twice_is_one_row(receiver: Receiver, db: Path) -> None:
    body = make_body()

    assert [receiver.send(body).status for _ in range(3)] == [200] * 3
    assert len(read_rows(db)) == 1
    assert receiver.tally.total == 1


@pytest.mark.parametrize("first", ["span", "event"])
def test_an_event_gives_a_call_its_prompt(receiver: Receiver, db: Path, first: str) -> None:
    ids = {"trace_id": bytes.fromhex(TRACE_ID), "span_id": bytes.fromhex(SPAN_ID)}
    name = "gen_ai.client.inference.operation.details"
    event = make_event_body(name, {**CHAT, "gen_ai.input.messages": PROMPT}, **ids)
    bodies = [(make_body(make_span(span_id=SPAN_ID)), "/v1/traces"), (event, "/v1/logs")]

    for body, path in bodies if first == "span" else reversed(bodies):
        assert receiver.send(body, path=path).status == 200

    [row] = read_rows(db)
    assert (row["user_prompt"], row["model_name"], row["span_id"]) == (
        "What is 2 + 2?", "gpt-4o-2024", SPAN_ID,
    )  # fmt: skip
    assert receiver.tally.total == 1


def test_an_outer_request_that_came_first_is_no_call_of_its_own(
    receiver: Receiver, db: Path
) -> None:
    outer, inner = make_span(span_id=SPAN_ID), make_span(parent=SPAN_ID)

    assert [receiver.send(make_body(span)).status for span in (outer, inner)] == [200, 200]
    assert len(read_rows(db)) == receiver.tally.total == 1


def test_attributes_of_every_type_cost_no_row(receiver: Receiver, db: Path) -> None:
    odd = {"a": [1, "b", [True]], "b": {"c": None}, "c": b"\xff", "d": 0.5, "e": float("nan")}
    wrong = {name: [1] if isinstance(value, int) else 7 for name, value in CHAT.items()}
    bodies = [{**CHAT, **odd}, {**wrong, "gen_ai.operation.name": "chat"}]

    assert receiver.send(make_body(*map(make_span, bodies))).status == 200
    assert [row["status"] for row in read_rows(db)] == ["ok", "ok"]


def test_a_clock_that_is_ahead_gives_the_time_of_arrival(receiver: Receiver, db: Path) -> None:
    ahead = make_span(start_ns=FUTURE_NS, end_ns=FUTURE_NS + 1)
    never = make_span(start_ns=2**63, end_ns=2**64 - 1)
    early = make_span(start_ns=0, end_ns=1)
    now = datetime.fromtimestamp(time.time(), UTC)

    assert receiver.send(make_body(ahead, never, early, make_span())).status == 200

    rows = read_rows(db)
    times = [datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC) for row in rows]
    assert len(rows) == 4
    assert all(abs(time_ - now) < timedelta(minutes=10) for time_ in times[:2])
    assert "clock" in str(rows[0]["notes"]) or "future" in str(rows[0]["notes"])


def test_what_a_locked_store_does_not_take_waits_and_is_acknowledged(
    receiver: Receiver, db: Path
) -> None:
    with locked(db):
        assert receiver.send(make_body()).status == 200

    def is_stored() -> bool:
        receiver.send(make_body())
        return len(read_rows(db)) >= 2

    assert eventually(is_stored)


def test_what_finds_no_room_is_sent_again(
    receiver: Receiver, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = make_body()
    with locked(db), monkeypatch.context() as full:
        full.setattr(spool, "MAX_BYTES", 0)
        refused = receiver.send(body)

    assert refused.status == 503
    assert eventually(lambda: receiver.send(body).status == 200 and bool(read_rows(db)))
    assert len(read_rows(db)) == 1
