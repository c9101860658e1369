"""Calls across runs: which are read, in which order, and what is found in them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forge_obs import CallQuery, CallReader, StoreReader, TextSearch, archive, flush, record
from forge_obs.store import call_scope
from support.records import record_call, record_run
from support.revisions import make_store
from support.store import interaction

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def db(private_environment: Path) -> Path:
    return private_environment / "forge.db"


def open_calls(db: Path) -> CallReader:
    reader = StoreReader.open(db)
    assert reader is not None
    return reader.calls


def find(db: Path, text: str, query: CallQuery | None = None, **how: object) -> list[int]:
    search = TextSearch(text, **how)  # type: ignore[arg-type]
    return [hit.id for hit in open_calls(db).find(query or CallQuery(), search)]


def read(db: Path, **query: object) -> list[int | None]:
    return [call.id for call in open_calls(db).iterate(CallQuery(**query))]  # type: ignore[arg-type]


def test_calls_of_any_run_and_of_none_come_newest_first(db: Path) -> None:
    record_call("w1")
    record_call(None)
    record_call("w2")

    calls = list(open_calls(db).iterate(CallQuery()))

    assert [(call.id, call.workflow_id) for call in calls] == [(3, "w2"), (2, None), (1, "w1")]
    assert [call.user_prompt for call in calls] == ["", "", ""]


def test_calls_are_narrowed_by_each_field(db: Path) -> None:
    fields = {"task_id": "t", "step_id": "s", "sub_task_id": "u", "role": "planner", "attempt": 2}
    record_call("w1", **fields, session_id="x", request_model="openai:GPT-5", status="error")
    record_call("w2")

    for name, value in fields.items():
        assert read(db, **{name: value}) == [1], name
    assert read(db, workflow_id="w1") == [1]
    assert read(db, session_id="x") == [1]
    assert read(db, status="error") == read(db, failed=True) == [1]
    assert read(db, models=["*:gpt-5"]) == [1]
    assert read(db, models=["writer-*"]) == [2, 1]
    assert read(db, role="nobody") == []


def test_outcomes_and_runs_of_a_workflow_are_told_apart(db: Path) -> None:
    record_run("w", run_id="r1")
    record_run("w", run_id="r2")
    record_call("w", entry_id="one", root_run_id="r1")
    record_call("w", entry_id="two", root_run_id="r2")
    assert record("outcome", entry_id="two", outcome="refused")

    assert read(db, workflow_id="w", run_id="r1") == [1]
    assert read(db, outcome="refused") == read(db, failed=True) == [2]


def test_periods_are_exact_whatever_the_order_of_recording(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_scope, "MOST_SAMPLES", 16)
    for day in [*range(100), 20, 30]:  # the last two had to wait
        assert interaction(created_at=NOON + timedelta(days=day))
    flush()

    since, until = NOON + timedelta(days=25), NOON + timedelta(days=35)

    assert read(db, since=since, until=until) == [102, *range(35, 25, -1)]
    assert read(db, since=NOON + timedelta(days=99)) == [100]


def test_text_is_found_in_prompts_answers_and_errors(db: Path) -> None:
    record_call("w", user_prompt="Mend the PARSER.")
    record_call("w", response="a parser")
    record_call("w", status="error", error="no parser", response=None)
    record_call("w", user_prompt="100%", response="nothing", entry_id="5" * 32)
    assert record("outcome", entry_id="5" * 32, outcome="refused", reason="lint: unused import")
    flush()

    assert find(db, "parser") == [3, 2, 1]
    assert find(db, "parser", places=["prompts"]) == [1]
    assert find(db, "parser", places=["answers"]) == [2]
    assert find(db, "parser", places=["errors"]) == [3]
    assert find(db, "unused import", places=["errors"]) == [4]
    assert find(db, "0%") == [4]
    assert find(db, "p.rser", is_regex=True) == [3, 2]
    assert find(db, "parser", CallQuery(status="error")) == [3]
    assert find(db, "parsers") == []


NEEDLE = "before\0\0 the Needle 100%_ behind"


@pytest.mark.parametrize("is_archived", [False, True], ids=["plain", "archived"])
def test_text_behind_a_nul_is_found_wherever_it_stands(db: Path, *, is_archived: bool) -> None:
    assert interaction(user_prompt=NEEDLE, created_at=NOON)
    assert interaction(response=NEEDLE, created_at=NOON)
    assert interaction(explanation=NEEDLE, created_at=NOON)
    assert interaction(error=NEEDLE, status="error", created_at=NOON)
    assert interaction(entry_id="f" * 32, created_at=NOON)
    assert record("outcome", entry_id="f" * 32, outcome="refused", reason=NEEDLE)
    assert interaction(user_prompt="before\0\0 and nothing behind", created_at=NOON)
    if is_archived:
        assert archive(db, datetime.now(UTC)).calls == 6

    assert find(db, "needle 100%_") == find(db, "(?i)needle", is_regex=True) == [5, 4, 3, 2, 1]
    assert find(db, "NEEDLE", places=["prompts"]) == [1]
    assert find(db, "NEEDLE", places=["answers"]) == [3, 2]
    assert find(db, "NEEDLE", places=["errors"]) == [5, 4]
    assert find(db, "e\0\0 the") == [5, 4, 3, 2, 1]
    assert find(db, "needles") == []


def test_call_that_holds_a_nul_says_so_once(db: Path) -> None:
    for status in ("started", "ok"):
        record_call("w", entry_id="a" * 32, user_prompt="a\0b", status=status, notes="of mine")

    [call] = open_calls(db).iterate(CallQuery())

    assert call.notes == "of mine; user_prompt: has NUL characters"


def test_many_ranges_are_read_to_the_end(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_scope, "FIRST_SPAN", 1)
    monkeypatch.setattr(call_scope, "WIDEST_SPAN", 3)
    for number in range(20):
        assert interaction(user_prompt=f"number {number}")
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("DELETE FROM interactions WHERE id IN (1, 2, 9, 20)")

    assert read(db) == [n for n in range(19, 0, -1) if n not in {1, 2, 9}]
    assert find(db, "number 1") == [19, 18, 17, 16, 15, 14, 13, 12, 11]


def test_ids_that_are_as_far_apart_as_can_be_take_no_longer(db: Path) -> None:
    for _ in range(3):
        assert interaction(task_id="t", user_prompt="needle", created_at=NOON)
    largest = 2**63 - 1
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE interactions SET id = ? WHERE id = 3", (largest,))
        connection.execute("UPDATE interactions SET id = ? WHERE id = 2", (largest // 2,))

    for query in (CallQuery(), CallQuery(task_id="t"), CallQuery(since=NOON)):
        assert find(db, "needle", query) == [largest, largest // 2, 1]
        assert [call.id for call in open_calls(db).iterate(query)] == [largest, largest // 2, 1]
        parts = open_calls(db).sum(query)
        assert sum(each.calls for part in parts for each in part.sums) == 3


def test_first_calls_are_read_without_those_before_them(db: Path) -> None:
    for _ in range(200):
        assert interaction()

    calls = open_calls(db).iterate(CallQuery())
    next(calls)
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("DELETE FROM interactions")  # nothing keeps a writer waiting

    assert len(list(calls)) == call_scope.FIRST_SPAN - 1


def test_broken_row_hides_no_other(db: Path) -> None:
    for number in range(6):
        assert interaction(user_prompt=f"text {number}" + "x" * 20_000)
    spoil(db, 3)

    hits = list(open_calls(db).find(CallQuery(), TextSearch("text")))

    assert [hit.id for hit in hits if hit.broken is None] == [6, 5, 4, 2, 1]
    assert [hit.id for hit in hits if hit.broken] == [3]
    assert [call.id for call in open_calls(db).iterate(CallQuery())] == [6, 5, 4, 3, 2, 1]


def spoil(db: Path, number: int) -> None:
    """Let the chain of pages of a row's long text lead nowhere."""
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(db.read_bytes())
    at = content.index(f"text {number - 1}xxxx".encode())
    # The rest of the text begins on another page: its number ends what stands on this one.
    first = content.index(b"x" * 100, at)
    end = first
    while content[end : end + 1] == b"x":
        end += 1
    content[end : end + 4] = (len(content) // size + 99).to_bytes(4, "big")
    db.write_bytes(content)


def test_older_store_without_facts_is_read(db: Path) -> None:
    make_store(db, "001_initial")
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(
            "INSERT INTO interactions (task_id, role, model_name, input_tokens, output_tokens,"
            " latency_ms, system_prompt, user_prompt) VALUES ('t', 'llm', 'm', 1, 1, 1, '', 'hey')"
        )

    assert read(db) == [1]
    assert find(db, "hey") == [1]
    assert read(db, outcome="accepted") == []
