"""``forge analyze``: a run's time, context, cache, waste and story."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_obs import LLMStats
from support.documents import validate
from support.forge import Forge
from support.records import record_call, record_run

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILE = "## Target file: db.py\n\n```\n" + "x = 1\n" * 200 + "```\n"
FINDING = "## Finding: ruff_lint\n\n```text\ndb.py:1:1 F821\n```\n"

SHOWN = "shown 1 file, about"
WROTE = "wrote db.py: replaced whole +2 −1"  # noqa: RUF001 - a minus
ACCEPTED = f"{WROTE} → accepted → commit 0123456789ab"


def attempt(number: int, at_s: float, signal: str, **fields: Any) -> dict[str, Any]:
    return {
        "attempt": number,
        "signal": signal,
        "started_at": (BEGAN + timedelta(seconds=at_s)).isoformat(),
        "duration_ms": {"context": 1000, "model": 3000, "validation": 2000},
        "changes": [{"path": "db.py", "kind": "modified", "lines_added": 2, "lines_removed": 1}],
        **fields,
    }


@pytest.fixture(autouse=True)
def repaired_run() -> None:
    check = {
        "check_name": "ruff_lint",
        "passed": False,
        "summary": "1 finding",
        "details": "db.py:1:1 F821",
    }
    attempts = [
        attempt(1, 0, "failure_retryable", validation_results=[check]),
        attempt(2, 7, "success", commit_sha="0123456789abcdef"),
    ]
    record_run(
        created_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=14),
        result={"attempts": attempts},
    )
    for number, (at_s, prompt) in enumerate([(1, FILE), (8, f"{FILE}\n{FINDING}")], start=1):
        record_call(
            step_id=None,
            attempt=number,
            created_at=BEGAN + timedelta(seconds=at_s),
            stats=LLMStats(model_name="m", input_tokens=500, output_tokens=20, latency_ms=3000),
            user_prompt=prompt,
            context_manifest=[{"path": "db.py"}],
            response=json.dumps({"files": [{"file_path": "db.py", "content": "x = 2\n"}]}),
        )


def test_each_question_has_its_section(forge: Forge) -> None:
    outcome = forge("analyze", "@last")

    assert outcome.code == 0
    for line in (
        "TIME  critical path, 14.0 s",
        "  model      6.0 s  43%  ██████████▎",
        "  attempt 1  6.0 s  43%  ██████████▎",
        "PROMPT CACHE  1 call within 5 min of an earlier one of the same model",
        "  1 call  520 tokens  unknown  ruff_lint failed",
        f"  attempt 1: {SHOWN} 311 tokens → {WROTE} → refused: ruff_lint: db.py:1:1 F821",
        f"  attempt 2: told Finding: ruff_lint → {SHOWN} 324 tokens → {ACCEPTED}",
    ):
        assert f"\n{line}\n" in f"{outcome.stdout}\n", outcome.stdout


def test_pause_is_no_waiting_and_told_beside_the_duration(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    attempts = [attempt(1, 0, "failure_retryable"), attempt(2, 107, "success")]
    record_run(
        "forge-b-02",
        created_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=114),
        result={"attempts": attempts, "elapsed_s": 14.0},
    )

    analysis = forge("analyze", "forge-b-02").stdout
    document = forge("analyze", "forge-b-02", "--json").document
    status = forge("status", "forge-b-02").stdout
    forge("report", "forge-b-02", "-o", "b.html")

    assert "took 1 min 54 s, 1 min 40 s of it paused\n" in analysis
    assert "\n  paused     1 min 40 s  88%  █████████████████████\n" in analysis
    assert "1.0 s between activities, for Temporal or its worker, 1.0 s for its end" in analysis
    assert document["critical_path"]["paused_s"] == 100
    assert document["critical_path"]["by_purpose"]["paused"] == 100
    assert ", took 1 min 54 s, 1 min 40 s of it paused\n" in status
    page = (tmp_path / "b.html").read_text()
    assert re.search(r"1 min 40 s</\w+> of it paused", page)
    assert "paused 1 min 40 s <small>88 %" in page


def test_document_is_what_its_schema_says(forge: Forge) -> None:
    document = json.loads(forge("analyze", "add-parser", "--json").stdout)

    validate("analysis", document)
    path = document["critical_path"]
    assert path["by_purpose"] == {"model": 6, "validation": 4, "waiting": 2, "files": 2}
    assert document["context"]["files"][0]["uses"] == ["changed"]
    assert [chapter["reason"] for chapter in document["story"]] == [
        "ruff_lint: db.py:1:1 F821",
        None,
    ]


def test_run_without_calls_is_no_error(forge: Forge) -> None:
    record_run("forge-empty-00000000", task_id="empty", result={}, status="error")

    outcome = forge("analyze", "empty")

    assert outcome.code == 0
    assert outcome.stdout.startswith("forge-empty-00000000  failed")


def test_attempt_whose_answer_nobody_knows_was_not_refused(forge: Forge) -> None:
    record_run("forge-killed-01", task_id="killed", status="error", result={}, finished_at=None)
    record_call("forge-killed-01", task_id="killed", status="started", response=None, stats=None)

    story = forge("analyze", "killed").stdout.partition("STORY")[2]

    assert "outcome unknown: no answer is on record" in story
    assert "refused" not in story
