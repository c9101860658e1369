"""Whatever prints or writes what is on record, does so the same after texts were archived."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_core.git.commits.trailers import CommitTrailers, build_message
from forge_obs import flush, record
from support.forge import Forge
from support.records import PLAN, STATS, record_run
from support.repository import commit_all, git, make_repository
from support.store import interaction

NOW = datetime.now(UTC)
OLD, RECENT = NOW - timedelta(days=30, hours=12), NOW - timedelta(days=3, hours=12)
RUN, OTHER, LATE = "forge-a-01", "forge-b-02", "forge-c-03"
WRITER = "1" * 32

HARD_TEXTS = (
    *("", "and inside a nul \0", "\x1b[31mred\x1b[0m [b]markup[/b]", "\u202eright to left"),
    *("ü☃\U0001f600", "a line\nand a needle in the next\r\n\tand another", "<script>&'\"=1"),
    "long " * 9_000,
)

MESSAGES = {
    "input": [{"role": "user", "parts": [{"type": "text", "content": "a needle, she said"}]}],
    "output": [{"role": "assistant", "parts": [{"type": "text", "content": "found"}]}],
}

CALLS = (
    *((), ("--json",), ("--csv",), ("--count",), ("--failed",), ("--run", RUN, "--json")),
    *(("NEEDLE",), ("NEEDLE", "--json"), ("needle", "--count"), ("needle", "--csv")),
    *(("needle", "--context", "3"), ("needle", "--run", RUN), ("markup[/b]",), ("100%_",)),
    *(("--regex", "ne+dle|☃"), ("--regex", "^and", "--context", "1"), ("--regex", "☃", "--json")),
    *(("said", "--in", place) for place in ("prompts", "answers", "errors", "messages")),
)
STATS_BY = ("day", "model", "role", "task", "outcome", "check", "error")

COMMANDS = (
    *(("calls", *rest) for rest in CALLS),
    *(("stats", "--by", by) for by in STATS_BY),
    *(("stats",), ("stats", "--json"), ("stats", "--as-model", "openai:gpt-4o")),
    *(("status",), ("status", "--json"), ("status", "--jsonl")),
    *(("status", RUN, *rest) for rest in ((), ("--full",), ("--json",), ("--json", "--full"))),
    *(("status", RUN, "--failed", "--full"), ("status", LATE, "--full")),
    *(("logs", RUN), ("logs", OTHER)),
    *(("show", RUN, str(number)) for number in range(1, len(HARD_TEXTS) + 1)),
    *(("show", WRITER), ("show", WRITER, "--json"), ("show", WRITER, "--prompt")),
    *(("show", WRITER, "--response"), ("show", "5" * 32), ("show", "5" * 32, "--json")),
    *(("diff", RUN), ("diff", RUN, OTHER), ("diff", RUN, OTHER, "--json")),
    *(("diff", WRITER, "2" * 32), ("diff", WRITER, "2" * 32, "--json")),
    *(("analyze", RUN), ("analyze", RUN, "--json")),
    *(("blame", "parse.py", *rest) for rest in ((), ("--json",))),
    *(("blame", "parse.py:1"), ("blame", "--commit", "HEAD")),
    *(("report", RUN, "-o", "run.html"), ("report", RUN, "-o", "run.html", "--redact")),
    *(("db", "export"), ("db", "export", "--output", "rows.jsonl"), ("db", "export", "--redact")),
    *(("db", "export", "--csv", "csv"), ("db", "export", "--parquet", "parquet")),
    ("db", "export", "--run", RUN, "--run", OTHER, "--to", "part.db"),
)
"""Everything that reads calls, in all its forms."""


WRITTEN = {"run.html", "rows.jsonl", "csv", "parquet", "part.db"}
"""What commands are told to write, in a folder of their own."""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository with a line that a call wrote, and go there."""
    repo = make_repository(tmp_path / "repo", {"README.md": "# Work\n"})
    trailers = CommitTrailers(RUN, "parser", 1, (WRITER,))
    commit_all(repo, {"parse.py": "NEEDLE = 1\n"}, build_message("parser: Write", trailers))
    monkeypatch.chdir(repo)
    return repo


def record_all(repo: Path) -> None:
    """Record runs whose calls hold whatever a call may hold, and calls of no run."""
    blob = git(repo, "rev-parse", "HEAD:parse.py")
    for run in (RUN, OTHER):
        steps = [{"step_id": "parser", "status": "success", "attempts": []}]
        result = {"plan": PLAN, "step_results": steps, "output_files": {"parse.py": blob}}
        record_run(run, result=result, created_at=OLD, finished_at=OLD, description="A needle")
    record_run(LATE, created_at=OLD, finished_at=RECENT)
    answer = {"files": [{"file_path": "parse.py", "content": "NEEDLE = 1\n"}]}
    record_old(RUN, 0, entry_id=WRITER, response=json.dumps(answer))
    record_old(OTHER, 0, entry_id="2" * 32, user_prompt="a line\nand one needle more\n")
    for number, text in enumerate(HARD_TEXTS, start=1):
        record_old(RUN, number, user_prompt=text, system_prompt=text, response=text or None)
        record_old(OTHER, number, user_prompt=f"He said: {text}", response=f"100%_ {number}")
    failed = {"status": "error", "error_type": "timeout", "error": "said nothing", "stats": None}
    record_old(RUN, 20, response=None, request_model="m", **failed)
    record_old(RUN, 21, role="planner", response="not what was said to be needed")
    record_old(None, 0, session_id="s", messages=MESSAGES, entry_id="5" * 32)
    record_old(LATE, 0, user_prompt="this needle stays")
    checks = [{"check_name": "tests", "passed": False}]
    assert record("outcome", entry_id=WRITER, outcome="refused", failed_checks=checks)
    flush()


def record_old(workflow_id: str | None, number: int, **fields: Any) -> None:
    given: dict[str, Any] = {
        "task_id": "add-parser",
        "step_id": "parser",
        "seq": number,
        "attempt": 1 + number // 4,
        "stats": STATS,
        "context_manifest": [{"path": f"needle{number}.py", "tokens": 12, "how": "full"}],
        **fields,
    }
    assert interaction(workflow_id=workflow_id, created_at=OLD + timedelta(seconds=number), **given)


def read(forge: Forge, command: tuple[str, ...], folder: Path) -> object:
    """Carry a command out in a folder; gives all that it printed and wrote."""
    folder.mkdir()
    os.chdir(folder)
    words = [str(folder / word) if word in WRITTEN else word for word in command]
    outcome = forge(*words, *(("--repo", str(folder.parent)) if command[0] == "blame" else ()))
    if "part.db" in command:
        return forge("db", "export", "--db", str(folder / "part.db"))
    written = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    texts = (outcome.stdout, outcome.stderr)
    return outcome.code, *(text.replace(str(folder), "FOLDER") for text in texts), written


def test_every_command_reads_archived_texts_as_before(forge: Forge, repo: Path) -> None:
    record_all(repo)
    before = [read(forge, c, repo / f"a{n}") for n, c in enumerate(COMMANDS)]

    archived = forge("db", "archive", "--json").document
    after = [read(forge, c, repo / f"b{n}") for n, c in enumerate(COMMANDS)]

    assert archived["calls"] > 2 * len(HARD_TEXTS)
    assert count_archived() == archived["calls"]
    different = [c for c, old, new in zip(COMMANDS, before, after, strict=True) if old != new]
    assert different == []


def count_archived() -> int:
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        query = "SELECT count(*) FROM interactions WHERE archive_id IS NOT NULL"
        return int(connection.execute(query).fetchone()[0])
