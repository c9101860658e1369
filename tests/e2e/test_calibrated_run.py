"""A run estimates tokens by what its model's provider reported before."""

import json
from math import ceil
from pathlib import Path

import pytest
from forge_obs import LLMStats, get_db_path, get_interactions, open_reader
from support.forge import run_forge
from support.llm_server import LLMServer, tool
from support.records import record_call
from support.repository import make_repository
from support.script import answer

MODEL = "openai-chat:writer-1"
EARLIER = LLMStats(model_name="writer-1", input_tokens=500, output_tokens=1, latency_ms=1)


def test_estimates_use_the_factor_measured_on_earlier_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_repository(tmp_path / "repo", {"a.py": "A = 1\n"})
    for _ in range(5):
        record_call(
            workflow_id="earlier",
            system_prompt="s" * 400,
            user_prompt="u" * 600,
            request_model=MODEL,
            stats=EARLIER,
        )
    with LLMServer(lambda _: tool(answer("a.py", "A = 2\n"))) as server:
        server.configure(monkeypatch)
        outcome = run_forge("run", "Change a.py", "--repo", str(repo), "--model", MODEL, "--json")

    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    assert engine is not None
    (call,) = get_interactions(engine, workflow_id=outcome.document["workflow_id"])
    stats = json.loads(call.context_stats_json or "")
    characters = len(call.system_prompt) + len(call.user_prompt)
    assert stats["total_estimated_tokens"] == ceil(characters / 2.0)
    assert "mentioned_file" in [
        entry["kind"] for entry in json.loads(call.context_manifest_json or "")
    ]
