"""A planned run asks a real model server, and its record agrees with the server's own log."""

from pathlib import Path

import pytest
from support.forge import run_forge
from support.live import read_calls
from support.local_model.model import PATH
from support.local_model.server import running_model
from support.repository import git


@pytest.mark.usefixtures("shared_server")
def test_planned_run_on_a_local_model_has_the_servers_figures_on_record(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("--planner-model", "ollama:words", "--model", "openai-chat:words")
    with running_model(tmp_path) as server:
        server.configure(monkeypatch)
        outcome = run_forge(
            "run", "Write a note.", "--plan", *models, "--repo", str(repo), "--json"
        )
        timings = server.wait_for_timings(2)

    assert outcome.code == 0, outcome.stderr
    branch = outcome.document["branch"]
    assert git(repo, "show", f"{branch}:{PATH}")
    calls = read_calls()
    assert [call.role for call in calls] == ["planner", "llm"]
    for call, timing in zip(calls, timings, strict=True):
        assert call.input_tokens == timing.prompt_tokens
        assert call.output_tokens == timing.answer_tokens
        assert call.first_token_ms is not None
        assert timing.prompt_ms <= call.first_token_ms <= call.latency_ms
