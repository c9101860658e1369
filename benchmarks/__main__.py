"""Run every benchmark: ``hatch run bench``, or some: ``hatch run bench record``."""

import sys

from benchmarks import (
    context,
    demo,
    orchestration,
    overhead,
    peers,
    reading,
    record,
    rendering,
    status,
)

BENCHMARKS = {
    "record": record.main,
    "overhead": overhead.main,
    "reading": reading.main,
    "peers": peers.main,
    "status": status.main,
    "rendering": rendering.main,
    "demo": demo.main,
    "orchestration": orchestration.main,
    "context": context.main,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    for name in names or list(BENCHMARKS):
        if name not in BENCHMARKS:
            raise SystemExit(f"no benchmark {name!r}: choose from {', '.join(BENCHMARKS)}")
        BENCHMARKS[name]()
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
