"""What `forge_obs` costs a program that imports it, and one that has turned the store off."""

import os
import subprocess
import sys
import time
from statistics import median

from forge_obs import record

from benchmarks.workload import build_call

CALLS = 20_000
OFF_LIMIT_US = 2.0

TURNS = 15
IMPORT_LIMIT = 1.1
"""How many times a program with one pydantic model `LLMStats` and `record` may take."""

# `import pydantic` alone loads nothing yet: it all comes with the first model.
PYDANTIC = """
from pydantic import BaseModel
class Stats(BaseModel):
    model_name: str
"""
FORGE_OBS = "from forge_obs import LLMStats, record"


def main() -> int:
    """Print both figures; 1 if a promise is broken."""
    off_us = measure_off()
    print(f"record() with the store off   {off_us:6.2f} µs   limit {OFF_LIMIT_US}", end="   ")
    print(_verdict(off_us < OFF_LIMIT_US))
    pydantic_ms, forge_ms = measure_imports()
    ratio = forge_ms / pydantic_ms
    print(f"{'one model of pydantic':<38} {pydantic_ms:6.0f} ms")
    print(f"{FORGE_OBS:<38} {forge_ms:6.0f} ms")
    print(f"ratio {ratio:.2f}   limit {IMPORT_LIMIT}   {_verdict(ratio <= IMPORT_LIMIT)}")
    return int(off_us >= OFF_LIMIT_US or ratio > IMPORT_LIMIT)


def measure_off(calls: int = CALLS) -> float:
    """Call `record()` with the store turned off; gives the median of turns in microseconds."""
    os.environ["FORGE_DB_PATH"] = ""
    call = build_call(2)
    durations = []
    for _ in range(TURNS):
        started = time.perf_counter()
        for _ in range(calls // TURNS):
            record("interaction", **call)
        durations.append((time.perf_counter() - started) / (calls // TURNS) * 1e6)
    return median(durations)


def measure_imports(turns: int = TURNS) -> tuple[float, float]:
    """Start interpreters in turns; gives the median whole time of both in milliseconds."""
    for statement in (PYDANTIC, FORGE_OBS):
        _time_python(statement)
    pairs = [(_time_python(PYDANTIC), _time_python(FORGE_OBS)) for _ in range(turns)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _time_python(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (time.perf_counter() - started) * 1000


def _verdict(ok: bool) -> str:
    return "ok" if ok else "TOO SLOW"


if __name__ == "__main__":
    raise SystemExit(main())
