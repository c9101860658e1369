"""Datasette, which serves SQLite files to a browser, on stores as they stand."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.peers.servers import HOST, Server, find_port, serving

DEFAULT_MS, LONGEST_MS = 1_000, 600_000
"""How long a statement may take as it comes, and at most when a benchmark asks."""

QUESTIONS = {
    "forge": ("interactions", {"user_prompt__contains": "{}"}),
    "logs": ("turn_search", {"_search": '"{}"', "_searchmode": "raw"}),
}
"""The table of calls in each database, and what holds of those with a text: characters in Forge's,
since it has no index of words, and a phrase in that of `llm`.
"""


def is_installed() -> bool:
    """Whether it can be run."""
    return find_spec("datasette") is not None


@contextmanager
def serve(paths: Sequence[Path]) -> Iterator[Server]:
    """Run it, with all the time that a statement needs."""
    port = find_port()
    command = [sys.executable, "-m", "datasette", "serve", *map(str, paths)]
    command += ["--host", HOST, "--port", str(port)]
    command += ["--setting", "sql_time_limit_ms", str(LONGEST_MS)]
    with serving(command, port) as server:
        yield server


def find(server: Server, database: str, limit: int, limit_ms: int, text: str) -> int | None:
    """Ask for the newest calls that hold a text as JSON, uncounted and without facets.

    Args:
        server: It.
        database: One of `QUESTIONS`.
        limit: How many to ask for.
        limit_ms: How long the statement may take.
        text: What they hold.

    Returns:
        How many there are; None if it would take longer.
    """
    table, condition = QUESTIONS[database]
    options = {"_sort_desc": "id", "_size": str(limit), "_shape": "array"}
    options["_timelimit"] = str(limit_ms)
    question = {name: value.format(text) for name, value in condition.items()}
    status, rows = server.request(f"/{database}/{table}.json?{urlencode({**question, **options})}")
    if "too long" in str(rows):
        return None
    if status != HTTPStatus.OK:
        raise RuntimeError(f"Datasette answers {status}: {rows}")
    return len(rows)
