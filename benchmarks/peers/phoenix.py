"""Phoenix, a collector of spans with a page: its server, filled with calls, and its search.

It is not among what `hatch run peers:bench` installs, since it takes 850 MB: it is measured where
its command is found.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from benchmarks.peers.rows import Call, Copies, Pattern, filling, insert_copies
from benchmarks.peers.servers import HOST, Server, find_port, serving
from benchmarks.spans import build_body, send

HOW_TO_GET = (
    "python3 -m venv /tmp/phoenix && /tmp/phoenix/bin/pip install arize-phoenix\n"
    "  PATH=/tmp/phoenix/bin:$PATH hatch run peers:bench {}"
)

STORED_S = 60.0
"""How long a span may take from being sent to its row."""

PROMPT, ANSWER = "what is asked", "what is answered"
QUERY = """
query($condition: String!, $first: Int!) {
  projects { edges { node {
    spans(first: $first, sort: {col: startTime, dir: desc}, filterCondition: $condition) {
      edges { node { spanId } }
    }
  } } }
}
"""
"""What its page of spans asks for."""

_ATTRIBUTES = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o",
    "llm.token_count.prompt": 80,
    "llm.token_count.completion": 900,
    "input.value": PROMPT,
    "output.value": ANSWER,
}
"""The least that a call has; instrumentation tells its messages one by one besides."""


def find_command() -> str | None:
    """Find its command, if it is installed."""
    return shutil.which("phoenix")


@contextmanager
def serve(command: str, directory: Path) -> Iterator[Server]:
    """Run it; telemetry is off. Its gRPC port listens on all interfaces, whatever it is told."""
    port = find_port()
    environment = {
        "PHOENIX_WORKING_DIR": str(directory),
        "PHOENIX_HOST": HOST,
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(find_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with serving([command, "serve"], port, environment) as server:
        yield server


def locate_database(directory: Path) -> Path:
    """Return the database that it keeps in its directory."""
    return directory / "phoenix.db"


def fill(server: Server, directory: Path, calls: Iterable[Call]) -> None:
    """Send it one span, and copy its rows for the calls; each is a trace of its own."""
    path = locate_database(directory)
    send(server.port, [build_body(_ATTRIBUTES, 1)], 1)
    give_up = time.monotonic() + STORED_S
    while not count_spans(path):
        if time.monotonic() > give_up:
            raise TimeoutError("Phoenix does not store what it is sent")
        time.sleep(0.1)
    with filling(path) as connection:
        insert_copies(connection, _copy_rows(connection, calls))


def find(server: Server, text: str, limit: int) -> int:
    """Search the prompts of spans as its page does; gives how many of the newest hold a text."""
    variables = {"condition": f"{text!r} in input.value", "first": limit}
    status, answer = server.request("/graphql", {"query": QUERY, "variables": variables})
    if status != HTTPStatus.OK or answer.get("errors"):
        raise RuntimeError(f"Phoenix answers {status}: {answer}")
    projects = answer["data"]["projects"]["edges"]
    return sum(len(project["node"]["spans"]["edges"]) for project in projects)


def count_spans(path: Path) -> int:
    """Count the spans in its database."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])


def _copy_rows(connection: sqlite3.Connection, calls: Iterable[Call]) -> Copies:
    """Give the rows of each call, a second after those of the one before."""
    chosen = "SELECT id, trace_rowid, attributes FROM spans ORDER BY id DESC LIMIT 1"
    span_row, trace_row, told = connection.execute(chosen).fetchone()
    attributes = json.dumps(json.loads(told))
    moments = ("start_time", "end_time")
    trace = Pattern("traces", trace_row, ("id", "trace_id", *moments))
    names = ("trace_rowid", "span_id", "attributes", *moments)
    span = Pattern("spans", span_row, names)
    began = datetime.now(UTC).replace(tzinfo=None)
    for call in calls:
        moment = (began + timedelta(seconds=call.number)).isoformat(" ", "microseconds")
        number = trace_row + call.number
        texts = {PROMPT: call.prompt, ANSWER: call.answer}
        document = attributes
        for name, text in texts.items():
            document = document.replace(json.dumps(name), json.dumps(text))
        yield trace, (number, f"{number:032x}", moment, moment)
        yield span, (number, f"{number:016x}", document, moment, moment)
