"""A run tells what it waits for also where no record can be read: the server knows."""

import threading
from pathlib import Path

import pytest
from support.forge import running_forge
from support.forked import DEADLINE_S
from support.llm_server import Exchange, LLMServer, Reply, error, tool

ANSWER = {"files": [{"file_path": "hello.py", "content": 'print("hello")\n'}]}


@pytest.mark.usefixtures("shared_server")
def test_requests_and_their_retries_are_told_while_the_run_goes_on(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()

    def respond(_: Exchange) -> Reply:
        if len(server.exchanges) == 1:
            return error(429, "rate_limit_error", "slow down", {"retry-after": "2"})
        return Reply(content=tool(ANSWER).content, gate=told)

    monkeypatch.setenv("FORGE_DB_PATH", "")
    words = ("run", "Say hello.", "--repo", str(repo), "--model", "anthropic:claude-sonnet-4-5")
    lines = []
    with LLMServer(respond) as server, running_forge(*words, env=server.environment) as process:
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n").partition(" ")[2])
                if "retry 1" in line:
                    told.set()
            assert process.wait(DEADLINE_S) == 0
        finally:
            told.set()

    [again] = [line for line in lines if "retry 1" in line]
    assert again.startswith("asking the model, retry 1 after: ")
    assert "slow down" in again
