"""How long the demonstration takes, and how much of it is waiting on Temporal.

The whole process is timed. Its spans tell the rest: the workflow's own duration, and the time in
which at least one activity was running; what is left of the workflow is waiting on Temporal.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ROUNDS = 5
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One demonstration, in seconds."""

    whole_s: float
    workflow_s: float
    busy_s: float

    @property
    def waiting_share(self) -> float:
        """Share of the whole process in which a run waited on Temporal."""
        return (self.workflow_s - self.busy_s) / self.whole_s


def main() -> None:
    """Measure and print a table."""
    measure_once()
    samples = [measure_once() for _ in range(ROUNDS)]
    rows = [
        ("whole process", [sample.whole_s for sample in samples]),
        ("workflow, first to last", [sample.workflow_s for sample in samples]),
        ("some activity running", [sample.busy_s for sample in samples]),
    ]
    print(f"forge demo, warm, median of {ROUNDS} (least to most)")
    for label, values in rows:
        spread = f"({min(values):.2f} to {max(values):.2f})"
        print(f"  {label:<26} {statistics.median(values):6.2f} s  {spread}")
    share = statistics.median(sample.waiting_share for sample in samples)
    print(f"  {'waiting on Temporal':<26} {share:6.0%}    of the whole process")


def measure_once() -> Sample:
    """Run the demonstration in a state directory of its own."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": home,
            "FORGE_SERVER_IDLE_S": "0",
            "TMPDIR": home,
            "FORGE_DB_PATH": f"{home}/forge.db",
            "FORGE_OTEL_EXPORTER": "console",
            "OTEL_METRICS_EXPORTER": "none",
        }
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "forge_cli", "demo"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        whole_s = time.perf_counter() - started
    spans = list(read_spans(done.stderr))
    workflow_s = covered(spans, "RunWorkflow:ForgeTaskWorkflow")
    return Sample(whole_s, workflow_s, covered(spans, "RunActivity:"))


def read_spans(text: str) -> Iterable[dict[str, Any]]:
    """Read the JSON objects that the console exporter prints one after the other."""
    decoder = json.JSONDecoder()
    while (start := text.find("{")) >= 0:
        span, end = decoder.raw_decode(text[start:])
        yield span
        text = text[start + end :]


def covered(spans: Iterable[dict[str, Any]], prefix: str) -> float:
    """Return how many seconds at least one span covers whose name begins like this."""
    return union(span_interval(span) for span in spans if span["name"].startswith(prefix))


def span_interval(span: dict[str, Any]) -> Interval:
    """Return when a span began and ended, in seconds."""
    return tuple(  # type: ignore[return-value]
        datetime.fromisoformat(span[key]).timestamp() for key in ("start_time", "end_time")
    )


def union(intervals: Iterable[Interval]) -> float:
    """Return how many seconds at least one of the intervals covers."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


if __name__ == "__main__":
    main()
