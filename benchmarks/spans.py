"""Spans as an exporter sends them, a sender of many, and the receiver that they are sent to."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATH = "/v1/traces"
HEADERS = {"Content-Type": "application/x-protobuf"}
BUSY = frozenset({429, 503})
RETRY_S = 0.05
ANSWER_S = 120.0

_OVERHEAD = 800
"""Bytes of a span besides its prompt and answer."""


def build_attributes(size: int) -> dict[str, object]:
    """Build what instrumentation tells of a call, about so many bytes of it."""
    text = ("def parse(line):  # keep the tail\n" * (size // 34 + 1))[: max(size - _OVERHEAD, 40)]
    asked = [{"role": "user", "parts": [{"type": "text", "content": text[: -len(text) // 4]}]}]
    answer = [{"type": "text", "content": text[-len(text) // 4 :]}]
    told = [{"role": "assistant", "parts": answer, "finish_reason": "stop"}]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-0123456789",
        "gen_ai.response.finish_reasons": "stop",
        "gen_ai.conversation.id": "conversation-1",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(told),
    }


def _make_value(value: object) -> AnyValue:
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=str(value))


@dataclass(frozen=True)
class Body:
    """One request of an exporter.

    Attributes:
        span_ids: Of its spans, in hexadecimal digits.
    """

    content: bytes = field(repr=False)
    span_ids: Sequence[str] = field(repr=False)


def build_body(attributes: Mapping[str, object], spans: int, service: str = "my-app") -> Body:
    """Build a request of that many spans, each a call in a trace of its own."""
    started = time.time_ns() - 2_000_000_000
    pairs = [KeyValue(key=name, value=_make_value(value)) for name, value in attributes.items()]
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name", value=_make_value(service))
    members = group.scope_spans.add()
    members.scope.name = "opentelemetry.instrumentation.openai_v2"
    pattern = Span(
        name="chat gpt-4o",
        start_time_unix_nano=started,
        end_time_unix_nano=started + 812_500_000,
        attributes=pairs,
    )
    span_ids = [os.urandom(8) for _ in range(spans)]
    for span_id in span_ids:
        pattern.span_id, pattern.trace_id = span_id, os.urandom(16)
        members.spans.append(pattern)
    return Body(request.SerializeToString(), [span_id.hex() for span_id in span_ids])


@dataclass
class Delivery:
    """What a sender did.

    Attributes:
        acknowledged: Places of the bodies that were answered with success, in any order.
        refused: How often one was to be sent again.
        seconds: From the first byte to the last answer.
    """

    acknowledged: list[int] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0


def send(
    port: int,
    bodies: Sequence[Body],
    connections: int,
    told: Callable[[int], object] = lambda _: None,
) -> Delivery:
    """Send bodies by some connections at once, each kept alive, until all are sent or one breaks.

    Args:
        port: Of the receiver.
        bodies: What to send.
        connections: How many.
        told: Called with the place of each body that was acknowledged.
    """
    delivery = Delivery()
    waiting = iter(range(len(bodies)))
    lock = threading.Lock()

    def work() -> None:
        with suppress(OSError, HTTPException), closing(_connect(port)) as connection:
            while (place := _take(waiting, lock)) is not None:
                while _post(connection, bodies[place].content) in BUSY:
                    delivery.refused += 1
                    time.sleep(RETRY_S)
                delivery.acknowledged.append(place)
                told(place)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    delivery.seconds = time.perf_counter() - started
    return delivery


def _connect(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)


def _take(places: Iterator[int], lock: threading.Lock) -> int | None:
    with lock:
        return next(places, None)


def _post(connection: HTTPConnection, content: bytes) -> int:
    connection.request("POST", PATH, content, HEADERS)
    answer = connection.getresponse()
    answer.read()
    if answer.status not in BUSY and answer.status != 200:
        raise HTTPException(f"status {answer.status}")
    return answer.status


@contextmanager
def receiving(path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run `forge receive` on a store; yields its process and port, and ends it."""
    environment = {**os.environ, "FORGE_DB_PATH": str(path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "forge_cli", "receive", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process, _read_port(process)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _read_port(process: "subprocess.Popen[str]") -> int:
    output: Any = process.stdout
    for line in output:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            threading.Thread(target=output.read, daemon=True).start()
            return int(found[1])
    raise RuntimeError("the receiver does not say where it listens")
