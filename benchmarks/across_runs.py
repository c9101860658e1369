"""What questions across runs cost, among a million calls of 2 kB in a store of 2 GB.

Times are the processor's, so that other programs count less, but for what several threads do
together. Peers that are installed are asked for the same texts: `hatch run peers:bench
across_runs`, with `--calls 100000` for an answer in minutes.
"""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median

from forge_cli.store.statistics import StatisticsQuery, add_up
from forge_obs import CallQuery, Grouping, StoreReader, TextSearch, flush, upgrade

from benchmarks.peers.search import HITS, Question, compare

CALLS, LEAST_CALLS = 1_000_000, 100_000
CALLS_A_RUN = 10
CALLS_A_BATCH = 1_000
"""Calls with a number in their prompts that others do not have."""

COMPARED = 3
"""Turns of what is compared."""

PERIOD = timedelta(days=365)
MODELS = ("openai:gpt-4o", "openai:gpt-4o-mini", "anthropic:claude-sonnet-4-5")
TEXT = "the parser reads each token of a line and keeps what it cannot place for later"
NOWHERE = "nothing of the kind"


def main(calls: int = CALLS) -> int:
    """Print each question's time with its limit, and what peers take; 1 if one is beyond it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "forge.db")
        _fill(path, calls)
        reader = StoreReader.open(path)
        assert reader is not None
        print(f"{calls:,} calls in {path.stat().st_size / 1e9:.1f} GB: seconds of the processor")
        raw, nowhere = _compare(lambda: _search_raw(path), _find(reader, NOWHERE))
        since = datetime.now(UTC) - timedelta(days=30)
        everything, by_task = _compare(_add_up(reader, None), _add_up(reader, None, "task"))
        by_the_clock = _time(_add_up(reader, None), turns=3, clock=time.monotonic)
        runs = _time(lambda: reader.list_recent_runs(20))
        failures = [
            _tell("a text that is nowhere, ÷ raw LIKE", nowhere / raw, 1.3),
            _tell("20 recent hits", _time(_find(reader, f"batch {_find_batch(calls)}")), 0.5),
            _tell("sums of 30 days", _time(_add_up(reader, since)), 1.0),
            _tell("sums of everything, by the clock", by_the_clock, 2.0),
            _tell("sums by 1,000 tasks, ÷ of everything", by_task / everything, 5.0),
            _tell("20 newest calls", _time(_list(reader)), max(0.02, 1.3 * runs)),
        ]
        print(
            f"(raw LIKE: {raw:.2f} s; sums of everything: {everything:.2f} s of the processor;"
            f" 20 newest runs: {runs * 1000:.1f} ms)\n",
            flush=True,
        )
        compare(path, _list_questions(calls))
    return int(any(failures))


def _list_questions(calls: int) -> tuple[Question, ...]:
    return (
        Question("nowhere", NOWHERE, 0),
        Question("the oldest", "number 1 of batch", 1),
        Question("the newest", f"batch {_find_batch(calls)}", HITS),
        Question("everywhere", "batch", HITS),
        Question("part of a word", "atch", HITS),
    )


def _find_batch(calls: int) -> int:
    """Return the newest batch that is complete."""
    return calls // CALLS_A_BATCH - 1


def _tell(name: str, value: float, limit: float) -> bool:
    is_beyond = value > limit
    print(f"  {name:<36} {value:>7.3f}   limit {limit:g}: {'BEYOND' if is_beyond else 'ok'}")
    return is_beyond


def _time(
    work: Callable[[], object], turns: int = 5, clock: Callable[[], float] = time.process_time
) -> float:
    times = []
    for _ in range(turns):
        started = clock()
        work()
        times.append(clock() - started)
    return median(times)


def _compare(*works: Callable[[], object]) -> list[float]:
    """Time each in turns, so that a slow moment of the machine meets all; the quickest counts."""
    turns = [[_time(work, turns=1) for work in works] for _ in range(COMPARED)]
    return [min(times) for times in zip(*turns, strict=True)]


def _find(reader: StoreReader, text: str) -> Callable[[], object]:
    return lambda: list(islice(reader.calls.find(CallQuery(), TextSearch(text)), 20))


def _list(reader: StoreReader) -> Callable[[], object]:
    return lambda: list(islice(reader.calls.iterate(CallQuery(), details=False), 20))


def _add_up(
    reader: StoreReader, since: datetime | None, by: Grouping = "error"
) -> Callable[[], object]:
    return lambda: add_up(reader, StatisticsQuery(CallQuery(since=since), by))


def _search_raw(path: Path) -> None:
    """Search as plain SQL would."""
    columns = ("system_prompt", "user_prompt", "response", "explanation", "error", "messages_json")
    held = " OR ".join(f"{name} LIKE '%{NOWHERE}%'" for name in columns)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"SELECT id FROM interactions WHERE {held}").fetchall()  # noqa: S608


def _fill(path: Path, calls: int) -> None:
    upgrade(path)
    flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")  # a log would be written, and moved
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO interactions (id, entry_id, task_id, role, model_name, input_tokens,"
            " output_tokens, latency_ms, created_at, workflow_id, status, error_type,"
            " request_model, system_prompt, user_prompt, response)"
            " VALUES (?, lower(hex(randomblob(16))), ?, 'llm', ?, ?, 80, ?, ?, ?, ?, ?, ?, 'Be"
            " brief.', ?, 'done')",
            _calls(calls),
        )
        connection.execute(
            "INSERT INTO call_facts (interaction_id, outcome, first_token_ms)"
            " SELECT id, CASE WHEN status = 'ok' THEN 'accepted' END, latency_ms / 4"
            " FROM interactions"
        )
        connection.execute(
            "INSERT INTO runs (task_id, workflow_id, status, created_at, result_json)"
            " SELECT task_id, workflow_id, 'success', min(created_at), '{}' FROM interactions"
            " GROUP BY workflow_id"
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def _calls(calls: int) -> Iterator[tuple[object, ...]]:
    dice = random.Random(3)  # noqa: S311 - no secret
    words = TEXT.split()
    texts = [" ".join(dice.choices(words, k=320))[:1_500] for _ in range(500)]
    first = datetime.now(UTC) - PERIOD
    for number in range(1, calls + 1):
        model = dice.choice(MODELS)
        moment = (first + PERIOD * (number / calls)).isoformat(timespec="microseconds")[:-6] + "Z"
        failed = number % 20 == 0
        run = number // CALLS_A_RUN
        yield (
            *(number, f"task-{run % 1000}", model.partition(":")[2], dice.randrange(500, 5_000)),
            *(dice.expovariate(1 / 900), moment, f"forge-task-{run}"),
            *(("error", "rate_limited") if failed else ("ok", None)),
            *(model, f"{dice.choice(texts)} number {number} of batch {number // CALLS_A_BATCH}"),
        )


if __name__ == "__main__":
    raise SystemExit(main())
