"""From a body to rows: unpacked, read and recorded by one thread, in the order of arrival.

One body is unpacked at a time, so that memory is bounded, and so that the store gets the spans of
a trace in their order.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol

from forge_obs import Fate
from forge_obs.otel import (
    Batch,
    LogEvent,
    MalformedBody,
    Signal,
    SpanData,
    encode_acceptance,
    read_logs,
    read_traces,
)

from forge_cli.receiver.compression import unpack
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.refusal import build_malformed, build_unavailable
from forge_cli.receiver.tally import Tally

RETRY_S: Final = 2
"""Seconds after which a sender may try again what could not be stored."""

SERVICE_NAME: Final = "service.name"

_log: Final = logging.getLogger("forge.receive")


class Recorder(Protocol):
    """Puts calls on record."""

    @property
    def call_count(self) -> int:
        """How many so far, each once."""
        ...

    def record(self, spans: Sequence[SpanData], events: Sequence[LogEvent] = ()) -> Sequence[Fate]:
        """Record what is a call; one fate for each row."""
        ...


@dataclass(frozen=True, slots=True)
class Body:
    """What one request sent.

    Attributes:
        signal: What it is about.
        is_json: Whether it is JSON, else protobuf.
        encoding: How it is compressed.
    """

    signal: Signal
    is_json: bool
    encoding: str
    content: bytes | bytearray = field(repr=False)


class Intake:
    """Records bodies; what it returns is acknowledged, and stands in the store or its spool.

    Args:
        recorder: Where calls go.
        limits: How large an unpacked body may be.
        tally: Told of what comes.
    """

    def __init__(self, recorder: Recorder, limits: Limits, tally: Tally) -> None:
        self._recorder = recorder
        self._limits = limits
        self._tally = tally
        self._reported = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forge-receive")

    async def take(self, body: Body) -> bytes:
        """Record a body and return the answer to it.

        Raises:
            Refusal: Nothing of it can be read, or it cannot be kept now.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._record, body)

    def close(self) -> None:
        """Wait for what is being recorded."""
        self._thread.shutdown()

    def _record(self, body: Body) -> bytes:
        content = unpack(body.content, body.encoding, self._limits.unpacked_bytes)
        batch = _read(body, content)
        fates = self._recorder.record(batch.spans, batch.events)
        if any(fate in {Fate.LOST, Fate.OFF} for fate in fates):
            raise build_unavailable("the store takes nothing now", RETRY_S)
        self._report(batch)
        return encode_acceptance(body.signal, batch.rejected, batch.reason, is_json=body.is_json)

    def _report(self, batch: Batch) -> None:
        """Count each call once, though its span and its events may come in several bodies."""
        calls = self._recorder.call_count - self._reported
        self._reported += calls
        if calls:
            sources = [s.source for s in batch.spans] + [e.source for e in batch.events]
            names = [source.resource.get(SERVICE_NAME) for source in sources]
            self._tally.add_calls((name for name in names if isinstance(name, str)), calls)
        if batch.rejected:
            self._tally.add_problem(batch.reason, batch.rejected)
        _log.info("%d spans, %d events, %d calls", len(batch.spans), len(batch.events), calls)


def _read(body: Body, content: bytes | bytearray) -> Batch:
    read = read_traces if body.signal == "traces" else read_logs
    try:
        return read(content, is_json=body.is_json)
    except MalformedBody as error:
        raise build_malformed(str(error)) from None
