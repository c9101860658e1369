"""A store of many calls is brought up to date while programs of the version before go on writing.

Such a program has its statements prepared, and looks at the schema no more.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from forge_obs import flush, get_interactions, open_reader, record, upgrade
from forge_obs.model.columns import HEAD, REVISIONS
from support.revisions import make_store
from support.waiting import wait_until

WRITERS = 3
PAUSE_S = 0.005

OLD_CALL = """
INSERT INTO interactions (entry_id, task_id, role, model_name, input_tokens, output_tokens,
                          latency_ms, workflow_id, run_id, activity_id, activity_attempt, seq,
                          status, system_prompt, user_prompt, response)
VALUES (?, 't', 'llm', 'm', 9, 1, 1.5, 'w', ?, '1', 1, ?, 'ok', 's', ?, 'r')
ON CONFLICT (entry_id) DO UPDATE SET status = excluded.status
"""
OLD_RUN = """
INSERT INTO runs (task_id, workflow_id, run_id, status, result_json)
VALUES ('t', 'w', ?, 'running', '{}')
ON CONFLICT (workflow_id, coalesce(run_id, '')) DO UPDATE SET status = excluded.status
"""


def fill(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        calls = ((f"{n:032x}", "before", n, f"prompt {n}") for n in range(rows))
        connection.executemany(OLD_CALL, calls)
        connection.execute(OLD_RUN, ("before",))


class Writer(threading.Thread):
    """Writes a call, then its run, again and again, by a connection that it keeps."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(name=name)
        self.written = 0
        self.error: Exception | None = None
        self._path = path
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            with closing(
                sqlite3.connect(self._path, timeout=60.0, isolation_level=None)
            ) as connection:
                # As a program does that waits for its models, and lets others write meanwhile.
                while not self._ending.wait(PAUSE_S):
                    entry_id = f"{self.name}-{self.written}"
                    connection.execute(OLD_CALL, (entry_id, self.name, self.written, "u" * 500))
                    connection.execute(OLD_RUN, (self.name,))
                    self.written += 1
        except sqlite3.Error as error:
            self.error = error

    def end(self) -> None:
        self._ending.set()
        self.join(timeout=60)


@contextmanager
def writing(path: Path) -> Iterator[list[Writer]]:
    writers = [Writer(path, f"old{n}") for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        wait_until(lambda: all(w.written or w.error for w in writers), "a call of each writer")
        yield writers
    finally:
        for writer in writers:
            writer.end()


@pytest.mark.parametrize("rows", [5_000, pytest.param(100_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_store_in_use_is_brought_up_to_date(
    private_environment: Path, revision: str, rows: int
) -> None:
    path = private_environment / "forge.db"
    make_store(path, revision)
    fill(path, rows)

    with writing(path) as writers:
        upgrade(path, timeout_s=60.0)
        before = [writer.written for writer in writers]
        wait_until(
            lambda: all(
                writer.error or writer.written > count
                for writer, count in zip(writers, before, strict=True)
            ),
            "a call of each writer after the migration",
        )
    assert record(
        "interaction",
        task_id="new",
        role="llm",
        system_prompt="s",
        user_prompt="u" * 500,
        entry_id="old0-0",
        session_id="s-1",
    )
    flush()

    assert [writer.error for writer in writers] == [None] * WRITERS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        calls, prompts = connection.execute(
            "SELECT count(*), count(DISTINCT user_prompt) FROM interactions WHERE run_id = 'before'"
        ).fetchone()
        kept = connection.execute(
            "SELECT count(*) FROM interactions WHERE run_id LIKE 'old%'"
        ).fetchone()
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1 + WRITERS,)
    assert (calls, prompts) == (rows, rows)
    assert kept == (sum(writer.written for writer in writers),)
    reader = open_reader(path)
    assert reader is not None
    [call] = get_interactions(reader, task_id="new")
    assert (call.entry_id, call.session_id) == ("old0-0", "s-1")
