"""Bodies that another process reads: what they tell is on record, and its end costs nothing."""

import gzip
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from forge_cli.receiver.content import Body
from forge_cli.receiver.intake import LARGE_BYTES
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.reader import Reader, ReadingProcess, can_read_beside
from forge_obs import Fate, flush, upgrade
from forge_obs.otel import SpanRecorder
from support.otlp import (
    CHAT,
    SPAN_ID,
    TRACE_ID,
    make_body,
    make_event_body,
    make_json_body,
    make_json_span,
    make_span,
)
from support.otlp_server import JSON, PROTOBUF, Receiver, receiving
from support.waiting import wait_until

LONG = {**CHAT, "gen_ai.input.messages": "Is that so? " * (LARGE_BYTES // 10)}
"""What a span tells whose body is large."""

LIMITS = Limits(unpacked_bytes=10 * LARGE_BYTES)


class SharedReader(Reader):
    """A reader that outlives the receivers of several tests."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self.is_asked = threading.Event()

    def hand_over(self, body: Body) -> "Future[ReadingProcess | None]":
        """Hand a body over."""
        self.is_asked.set()
        return super().hand_over(body)

    def find_process(self) -> psutil.Process:
        """Return its process, started if it is not."""
        future = self.hand_over(Body("traces", is_json=False, encoding="", content=b""))
        process = future.result()
        assert process is not None
        with process.answering() as (summary, parts):
            assert (summary.spans, list(parts)) == (0, [])
        self.is_asked.clear()
        return psutil.Process(process.pid)

    def close(self) -> None:
        """Go on."""


class CountingRecorder(SpanRecorder):
    """A recorder that counts what another process has read."""

    parts = 0

    def record_packed(self, packed: bytes) -> list[Fate]:
        """Record it."""
        self.parts += 1
        return super().record_packed(packed)


@pytest.fixture
def db() -> Path:
    path = Path(os.environ["FORGE_DB_PATH"])
    upgrade(path)
    return path


@pytest.fixture(scope="module")
def reader() -> Iterator[SharedReader]:
    reader = SharedReader(LIMITS.unpacked_bytes)
    yield reader
    Reader.close(reader)


@pytest.fixture
def recorder() -> CountingRecorder:
    return CountingRecorder()


@pytest.fixture
def receiver(
    db: Path,  # noqa: ARG001 - before it
    reader: SharedReader,
    recorder: CountingRecorder,
) -> Iterator[Receiver]:
    with receiving(recorder, LIMITS, reader=reader) as running:
        yield running
    flush()


def list_prompts(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute("SELECT user_prompt FROM interactions ORDER BY id").fetchall()
    return [prompt for (prompt,) in rows]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (PROTOBUF, make_body(make_span(LONG))),
        (JSON, make_json_body(make_json_span(LONG))),
        (PROTOBUF | {"content-encoding": "gzip"}, gzip.compress(make_body(make_span(LONG)), 0)),
    ],
    ids=["protobuf", "json", "gzip"],
)
def test_large_body_is_read_by_the_other_process(
    receiver: Receiver,
    recorder: CountingRecorder,
    db: Path,
    headers: dict[str, str],
    body: bytes,
) -> None:
    assert receiver.send(body, headers).status == 200
    assert list_prompts(db) == [LONG["gen_ai.input.messages"]]
    assert (recorder.parts, receiver.tally.total) == (1, 1)


def test_small_body_is_read_where_it_is_recorded(
    receiver: Receiver, recorder: CountingRecorder, db: Path
) -> None:
    assert receiver.send(make_body()).status == 200
    assert (len(list_prompts(db)), recorder.parts) == (1, 0)


def test_what_comes_apart_is_one_row_wherever_it_is_read(receiver: Receiver, db: Path) -> None:
    ids = {"trace_id": bytes.fromhex(TRACE_ID), "span_id": bytes.fromhex(SPAN_ID)}
    name = "gen_ai.client.inference.operation.details"
    event = make_event_body(name, LONG, **ids)
    outer = "1" * 16
    small = make_body(make_span(span_id=SPAN_ID, parent=outer))
    large = make_body(make_span(LONG | {"gen_ai.conversation.id": "c"}, span_id=outer))

    sent = [(small, "/v1/traces"), (event, "/v1/logs"), (large, "/v1/traces")]
    assert [receiver.send(body, path=path).status for body, path in sent] == [200] * 3
    assert list_prompts(db) == [LONG["gen_ai.input.messages"]]
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT session_id FROM call_facts").fetchall() == [("c",)]
    assert receiver.tally.total == 1


def test_what_cannot_be_read_is_refused_as_where_it_is_recorded(
    receiver: Receiver, reader: SharedReader, db: Path
) -> None:
    torn = make_body(make_span(LONG))[:-1]
    bomb = gzip.compress(b" " * (LIMITS.unpacked_bytes + 1), 1) + b" " * LARGE_BYTES

    refused = [
        receiver.send(torn),
        receiver.send(bomb, PROTOBUF | {"content-encoding": "gzip"}),
    ]

    assert [reply.status for reply in refused] == [400, 413]
    assert b"ends within a field" in refused[0].content
    assert reader.is_asked.is_set()
    assert receiver.send(make_body(make_span(LONG))).status == 200
    assert len(list_prompts(db)) == 1


def test_body_is_sent_again_when_the_process_is_killed(
    receiver: Receiver, reader: SharedReader, db: Path
) -> None:
    process = reader.find_process()
    process.suspend()
    body = make_body(make_span(LONG))
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(receiver.send, body)
        wait_until(reader.is_asked.is_set, "the body")
        process.send_signal(signal.SIGKILL)
        refused = sent.result()

    assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert receiver.send(body).status == 200
    assert len(list_prompts(db)) == 1
    assert reader.find_process().pid != process.pid


def test_bodies_are_recorded_in_the_order_of_arrival(
    receiver: Receiver, reader: SharedReader, db: Path
) -> None:
    process = reader.find_process()
    process.suspend()
    with ThreadPoolExecutor() as pool:
        large = pool.submit(receiver.send, make_body(make_span(LONG)))
        wait_until(reader.is_asked.is_set, "the large body")
        small = pool.submit(receiver.send, make_body())
        with pytest.raises(TimeoutError):
            small.result(0.2)
        process.resume()
        assert [sent.result().status for sent in (large, small)] == [200, 200]

    assert list_prompts(db) == [LONG["gen_ai.input.messages"], ""]


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_bodies_are_read_here_where_no_process_starts(
    db: Path, program: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with receiving(SpanRecorder(), LIMITS, reader=Reader(LIMITS.unpacked_bytes)) as running:
        replies = [running.send(make_body(make_span(LONG))) for _ in range(2)]
    flush()

    assert [reply.status for reply in replies] == [200, 200]
    assert len(list_prompts(db)) == 2
    assert len([r for r in caplog.records if "no other starts" in r.message]) == 1


def test_requests_to_stop_do_not_reach_the_process(
    receiver: Receiver, reader: SharedReader, db: Path
) -> None:
    process = reader.find_process()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)

    assert receiver.send(make_body(make_span(LONG))).status == 200
    assert reader.find_process().pid == process.pid
    assert len(list_prompts(db)) == 1


def test_no_process_is_for_one_processor_or_a_packed_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert not can_read_beside()

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert can_read_beside()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not can_read_beside()
