"""Run every benchmark: ``hatch run bench``, or some: ``hatch run bench record``.

Exits with 1 if a figure is beyond its limit.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial

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
    processor,
    reading,
    receive,
    record,
    rendering,
    report,
    status,
    tracing,
)
from benchmarks.peers import record as peers

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


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks, or all; 1 if a figure is beyond its limit, 2 for a wrong name."""
    parser = ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument(
        "--calls",
        type=int,
        default=across_runs.CALLS,
        help="how many calls `across_runs` asks among",
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    if options.calls < across_runs.LEAST_CALLS:
        parser.error(f"--calls is at least {across_runs.LEAST_CALLS}")
    across = partial(across_runs.main, options.calls)
    benchmarks: dict[str, Callable[[], int | None]] = {**BENCHMARKS, "across_runs": across}
    missed: list[str] = []
    for name in options.names or list(benchmarks):
        if benchmarks[name]():
            missed.append(name)
        print(flush=True)
    if missed:
        print(f"beyond its limit: {', '.join(missed)}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
