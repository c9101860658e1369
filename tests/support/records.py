"""A run and its calls, put on record as a worker does."""

from datetime import UTC, datetime
from typing import Any

from forge_obs import LLMStats, flush, record

WORKFLOW_ID = "forge-add-parser-0a1b2c3d"
STATS = LLMStats(
    model_name="writer-1",
    input_tokens=4120,
    output_tokens=45,
    latency_ms=820.0,
    cache_read_tokens=3000,
    reasoning_tokens=12,
)
PLAN = {"steps": [{"step_id": "a", "description": "First."}]}
STEP = {
    "step_id": "a",
    "status": "success",
    "commit_sha": "0123456789abcdef",
    "attempts": [{"attempt": 1, "signal": "success", "llm_stats": STATS.model_dump()}],
}


def record_run(workflow_id: str = WORKFLOW_ID, **fields: Any) -> None:
    given: dict[str, Any] = {
        "task_id": "add-parser",
        "status": "success",
        "result": {"plan": PLAN, "step_results": [STEP], "worktree_branch": "forge/add-parser"},
        "finished_at": datetime.now(UTC),
        **fields,
    }
    assert record("run", workflow_id=workflow_id, **given)
    flush()


def record_call(workflow_id: str | None = WORKFLOW_ID, **fields: Any) -> None:
    given: dict[str, Any] = {
        "task_id": "add-parser",
        "step_id": "a",
        "role": "llm",
        "attempt": 1,
        "system_prompt": "You write.",
        "user_prompt": "Do it.",
        "response": '{"files": []}',
        "stats": STATS,
        "context_stats": {"files_discovered": 7},
        **fields,
    }
    assert record("interaction", workflow_id=workflow_id, **given)
    flush()
