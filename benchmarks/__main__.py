"""Run every benchmark: ``hatch run bench``, or some: ``hatch run bench record``.

Exits with 1 if a figure is beyond its limit.
"""

import sys
from collections.abc import Callable

from benchmarks import (
    across_runs,
    archive,
    bulk,
    context,
    demo,
    edits,
    facts,
    orchestration,
    overhead,
    peers,
    processor,
    reading,
    receive,
    record,
    rendering,
    report,
    status,
    tracing,
)

BENCHMARKS: dict[str, Callable[[], int | None]] = {
    "record": record.main,
    "facts": facts.main,
    "bulk": bulk.main,
    "receive": receive.main,
    "overhead": overhead.main,
    "processor": processor.main,
    "tracing": tracing.main,
    "reading": reading.main,
    "across_runs": across_runs.main,
    "archive": archive.main,
    "peers": peers.main,
    "status": status.main,
    "rendering": rendering.main,
    "report": report.main,
    "demo": demo.main,
    "orchestration": orchestration.main,
    "context": context.main,
    "edits": edits.main,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if a figure is beyond its limit, 2 for a wrong name."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    missed: list[str] = []
    for name in names or list(BENCHMARKS):
        if BENCHMARKS[name]():
            missed.append(name)
        print(flush=True)
    if missed:
        print(f"beyond its limit: {', '.join(missed)}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
