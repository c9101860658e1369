"""What a span of 2 kB costs the host whose requests Forge records.

A program makes the span of a request, with a processor that does nothing, with the SDK's
`BatchSpanProcessor` and an exporter that throws everything away, and with Forge's, in turns. What
is timed is what the host's thread does: starting, describing and ending the span. Then another
process keeps the database locked, and the host must not notice.
"""

import json
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Event as Pause
from typing import Final

from forge_obs import flush, get_backlog, lost_count
from forge_obs.otel import ForgeSpanProcessor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer
from opentelemetry.util.types import AnyValue

from benchmarks.record import at_percentile
from benchmarks.workload import use_store

LIMIT_US: Final = 150.0
"""How much longer a span may take than with a processor that does nothing, at the median."""

BLOCKED_LIMIT_MS: Final = 250.0
"""Longest time of a span while the database is locked; a wait for the lock would be 2,000 ms.

What is seen beyond some milliseconds is Python's garbage collection of the whole program, which
comes upon some span as the ones that wait grow in number.
"""

TURNS: Final = 40
SPANS_A_TURN: Final = 100
PAUSE_S: Final = 0.001
"""Between two spans, as a program has that waits for answers."""

LOCKED_S: Final = 4.0

ASKED: Final[dict[str, AnyValue]] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.request.max_tokens": 800,
    "gen_ai.request.temperature": 0.2,
    "gen_ai.conversation.id": "conversation-0193a5d0",
    "server.address": "127.0.0.1",
    "server.port": 443,
    "gen_ai.input.messages": json.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": "Keep the tail. " * 90}]}]
    ),
}
ANSWERED: Final[dict[str, AnyValue]] = {
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
    "gen_ai.response.id": "chatcmpl-0123456789",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 912,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "It is kept. " * 25}]}]
    ),
}


class _NullExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.SUCCESS


def main() -> int:
    """Print each figure; 1 if one is beyond its limit."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "forge.db")
        use_store(path)
        found = [measure_spans(path), measure_locked(path)]
        flush()
    return int(not all(found))


def measure_spans(path: Path) -> bool:
    """Make the same span with each processor in turns, and look whether all are on record."""
    processors = (SpanProcessor(), BatchSpanProcessor(_NullExporter()), ForgeSpanProcessor("b"))
    providers = [_provide(processor) for processor in processors]
    tracers = [provider.get_tracer("benchmark") for provider in providers]
    durations: list[list[float]] = [[] for _ in tracers]
    for turn in range(TURNS + 1):
        for tracer, provider, kept in zip(tracers, providers, durations, strict=True):
            taken = make_spans(tracer, SPANS_A_TURN)
            provider.force_flush()
            if turn:  # in the first, what is slow to import is imported
                kept.extend(taken)
    size = sum(len(str(value)) for value in {**ASKED, **ANSWERED}.values())
    print(f"a span of {size / 1000:.1f} kB: µs with no processor / a null exporter / Forge")
    nothing, batch, forge = durations
    for percent in (50, 99):
        figures = [at_percentile(side, percent) for side in (nothing, batch, forge)]
        print(f"  p{percent}  {' / '.join(f'{figure:.0f}' for figure in figures)}")
    added = [at_percentile(forge, p) - at_percentile(nothing, p) for p in (50, 99)]
    more = f"{added[0]:.0f} µs more at p50, {added[1]:.0f} at p99"
    for provider in providers:
        provider.shutdown()
    rows = _count(path)
    is_whole = rows == (TURNS + 1) * SPANS_A_TURN
    return _print("Forge's processor", f"{more}; {rows:,} rows", added[0] <= LIMIT_US and is_whole)


def measure_locked(path: Path) -> bool:
    """Make spans while another process holds the database's lock, then look what came of them."""
    context = get_context("spawn")
    locked, done = context.Event(), context.Event()
    holder = context.Process(target=hold_lock, args=(str(path), locked, done))
    holder.start()
    locked.wait()
    before, lost = _count(path), lost_count()
    provider = _provide(ForgeSpanProcessor("locked"))
    taken: list[float] = []
    end = time.monotonic() + LOCKED_S
    while time.monotonic() < end:
        taken += make_spans(provider.get_tracer("benchmark"), SPANS_A_TURN)
    done.set()
    holder.join()
    provider.shutdown()
    more = _count(path) - before + get_backlog(path).pending
    longest = max(taken) / 1000
    figures = f"longest {longest:.1f} ms of {len(taken):,} spans, {lost_count() - lost} lost"
    is_whole = more == len(taken)
    return _print("the database is locked", figures, longest <= BLOCKED_LIMIT_MS and is_whole)


def hold_lock(path: str, locked: Event, done: Event) -> None:
    """Hold the write lock of a database until told otherwise."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked.set()
        done.wait()
        other.execute("ROLLBACK")


def make_spans(tracer: Tracer, number: int) -> list[float]:
    """Make spans of requests; gives what each took the host's thread, in microseconds."""
    pause, taken = Pause(), []
    for _ in range(number):
        pause.wait(PAUSE_S)
        started = time.perf_counter()
        with tracer.start_as_current_span("chat gpt-5-mini", attributes=ASKED) as span:
            span.set_attributes(ANSWERED)
        taken.append((time.perf_counter() - started) * 1e6)
    return taken


def _provide(processor: SpanProcessor) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


def _print(name: str, figures: str, ok: bool) -> bool:
    print(f"{name:<26} {figures:>66}  {'ok' if ok else 'BEYOND ITS LIMIT'}", flush=True)
    return ok


if __name__ == "__main__":
    raise SystemExit(main())
