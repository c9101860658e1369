"""What `forge status` costs beside merely importing the libraries that it rests on.

Both are whole processes on a store of a thousand runs, taken in turns, so that a slow moment of the
machine meets both. Run it with `python -m benchmarks.status`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from forge_obs import LLMStats, flush, record

RUNS = 1000
CALLS_A_RUN = 3
TURNS = 15
LIMIT = 1.5
"""How many times the bare imports `forge status` may take."""

BARE = ("-c", "import sqlalchemy, rich, cyclopts")
STATUS = ("-m", "forge_cli", "status")


def main() -> None:
    """Print both medians and their ratio."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FORGE_DB_PATH"] = str(Path(directory, "forge.db"))
        _fill_store()
        bare_ms, status_ms = measure(BARE, STATUS, turns=TURNS)
    ratio = status_ms / bare_ms
    verdict = "ok" if ratio <= LIMIT else "TOO SLOW"
    print(f"whole process, {RUNS:,} runs on record, median of {TURNS} turns")
    print(f"bare imports   {bare_ms:6.0f} ms   python {BARE[0]} '{BARE[1]}'")
    print(f"forge status   {status_ms:6.0f} ms")
    print(f"ratio          {ratio:6.2f}      limit {LIMIT}: {verdict}")


def measure(
    first: Sequence[str], second: Sequence[str], *, turns: int = TURNS
) -> tuple[float, float]:
    """Run two Python command lines in turns; gives their median times in milliseconds."""
    for arguments in (first, second):
        _time_process(arguments)
    pairs = [(_time_process(first), _time_process(second)) for _ in range(turns)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _time_process(arguments: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000


def _fill_store() -> None:
    stats = LLMStats(model_name="claude", input_tokens=900, output_tokens=120, latency_ms=850.0)
    result = {"step_results": [{"step_id": "one", "status": "success"}]}
    for number in range(RUNS):
        workflow_id = f"forge-task-{number}-0a1b2c3d"
        for seq in range(CALLS_A_RUN):
            record(
                "interaction",
                task_id=f"task-{number}",
                workflow_id=workflow_id,
                role="llm",
                system_prompt="system" * 100,
                user_prompt="user" * 1000,
                response="response" * 200,
                stats=stats,
                seq=seq,
            )
        record(
            "run",
            task_id=f"task-{number}",
            workflow_id=workflow_id,
            status="success",
            result=result,
            finished_at=datetime.now(UTC),
        )
    flush()


if __name__ == "__main__":
    main()
