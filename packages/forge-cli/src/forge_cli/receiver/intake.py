"""From a body to rows, recorded by one thread in the order of arrival.

So the store gets the spans of a trace in their order, and one body is open at a time. A large one
is read by another process meanwhile, while the one before it is recorded here. See D99.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from forge_obs import Fate
from forge_obs.otel import LogEvent, SpanData, encode_acceptance

from forge_cli.receiver.content import Body, Summary, read_body, summarize
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.reader import ProcessGone, Reader, ReadingProcess, Unreadable
from forge_cli.receiver.refusal import Code, Refusal, build_unavailable
from forge_cli.receiver.tally import Tally

RETRY_S: Final = 2
"""Seconds after which a sender may try again what could not be stored."""

LARGE_BYTES: Final = 32_000
"""From so many bytes on a body is read by another process; of a smaller one that takes longer."""

COMPRESSION_FACTOR: Final = 8
"""How many times larger a body is about when it is unpacked."""

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

    def record_packed(self, packed: bytes) -> Sequence[Fate]:
        """Record what another process has read; one fate for each row."""
        ...


class Intake:
    """Records bodies; what it returns is acknowledged, and stands in the store or its spool.

    Args:
        recorder: Where calls go.
        limits: How large an unpacked body may be.
        tally: Told of what comes.
        reader: Reads large bodies; they are read here where there is none.
    """

    def __init__(
        self, recorder: Recorder, limits: Limits, tally: Tally, reader: Reader | None = None
    ) -> None:
        self._recorder = recorder
        self._limits = limits
        self._tally = tally
        self._reader = reader
        self._reported = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forge-receive")

    async def take(self, body: Body) -> bytes:
        """Record a body and return the answer to it.

        Raises:
            Refusal: Nothing of it can be read, or it cannot be kept now.
        """
        handed = None
        if self._reader is not None and _is_large(body):
            handed = self._reader.hand_over(body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._record, body, handed)

    def close(self) -> None:
        """Wait for what is being recorded."""
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()

    def _record(self, body: Body, handed: "Future[ReadingProcess | None] | None") -> bytes:
        process = None if handed is None else handed.result()
        summary = self._record_here(body) if process is None else self._record_read(body, process)
        self._report(summary)
        return encode_acceptance(
            body.signal, summary.rejected, summary.reason, is_json=body.is_json
        )

    def _record_here(self, body: Body) -> Summary:
        batch = read_body(body, self._limits.unpacked_bytes)
        _check(self._recorder.record(batch.spans, batch.events))
        return summarize(batch)

    def _record_read(self, body: Body, process: ReadingProcess) -> Summary:
        """Record what a process has read; what is recorded twice is one row."""
        try:
            with process.answering() as (summary, parts):
                for part in parts:
                    _check(self._recorder.record_packed(part))
                return summary
        except Unreadable:
            return self._record_here(body)
        except ProcessGone:
            # Perhaps it was this body that took too much memory: to read it here would be worse.
            raise build_unavailable("the process that reads bodies was ended", RETRY_S) from None

    def _report(self, summary: Summary) -> None:
        """Count each call once, though its span and its events may come in several bodies."""
        calls = self._recorder.call_count - self._reported
        self._reported += calls
        if calls:
            self._tally.add_calls(summary.services, calls)
        if summary.rejected:
            self._tally.add_problem(summary.reason, summary.rejected)
        _log.info("%d spans, %d events, %d calls", summary.spans, summary.events, calls)


def log_internal_error(error: Exception) -> Refusal:
    """Log an error of the receiver's own, and build what the sender is told in its place."""
    _log.error(
        "internal error: %s (FORGE_DEBUG=1 shows where)",
        type(error).__name__,
        exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
    )
    return Refusal(500, Code.INTERNAL, "internal error of the receiver")


def _is_large(body: Body) -> bool:
    is_packed = body.encoding not in {"", "identity"}
    return len(body.content) * (COMPRESSION_FACTOR if is_packed else 1) >= LARGE_BYTES


def _check(fates: Sequence[Fate]) -> None:
    if any(fate in {Fate.LOST, Fate.OFF} for fate in fates):
        raise build_unavailable("the store takes nothing now", RETRY_S)
