"""No log line holds a prompt or an answer, however many are asked for."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.forge import Outcome, run_forge, running_forge
from support.forked import DEADLINE_S
from support.live import end_gently, read_run
from support.llm_server import Exchange, LLMServer, Reply, error, raw, tool
from support.repository import make_repository
from support.script import answer
from support.temporal_server import running_server

ASKED, ANSWERED, DESCRIBED = "xyzzy-in-the-prompt", "plugh-in-the-answer", "frotz-in-the-task"
KEY = "sk-quux-key"

LOUD = {"FORGE_DEBUG": "1", "OPENAI_LOG": "debug", "ANTHROPIC_LOG": "debug"}
"""All that makes Forge and its libraries talk."""

WIRES = ["openai:m", "openai-chat:m", "anthropic:m", "ollama:m"]

QUOTING = error(400, "invalid_request_error", f"cannot take {ASKED} {ANSWERED}")
UNFIT = tool({"files": ANSWERED, "explanation": [ANSWERED]})
BROKEN = raw(f"{{{ANSWERED}".encode())
CUT = tool(answer("hello.py", ANSWERED), finish="length")
FITTING = tool(answer("hello.py", f'GREETING = "{ANSWERED}"\n'))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"hello.py": f'GREETING = "{ASKED}"\n'})


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    run_forge("--version")  # what commands are forked from reads the environment at its own start
    for name, value in LOUD.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., LLMServer]]:
    servers: list[LLMServer] = []

    def start(*replies: Reply) -> LLMServer:
        waiting = [*replies]

        def reply(_: Exchange) -> Reply:
            return waiting.pop(0) if waiting else FITTING

        server = LLMServer(reply)
        server.__enter__()
        servers.append(server)
        server.configure(monkeypatch)
        for provider in ("OPENAI", "ANTHROPIC"):
            monkeypatch.setenv(f"{provider}_API_KEY", KEY)
        return server

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def options(repo: Path, model: str) -> tuple[str, ...]:
    return (
        *("run", f"Change it: {DESCRIBED}.", "--task-id", "t", "--repo", str(repo)),
        *("--target-file", "hello.py", "--model", model, "-vv"),
    )


def assert_discreet(outcome: Outcome, *libraries: str) -> None:
    lines = [
        line
        for line in outcome.stderr.splitlines()
        if line.startswith(("debug: ", "info: ", "warning: ", "error: ", "  "))
    ]
    assert lines
    for library in libraries:
        assert any(f" {library}" in line for line in lines), library
    for secret in (ASKED, ANSWERED, DESCRIBED, KEY):
        assert not [line[:500] for line in lines if secret in line], secret
    for secret in (ASKED, ANSWERED, KEY):
        assert secret not in outcome.stderr


@pytest.mark.usefixtures("shared_server", "loud")
@pytest.mark.parametrize("model", WIRES)
def test_run_is_discreet(repo: Path, serve: Callable[..., LLMServer], model: str) -> None:
    server = serve()
    outcome = run_forge(*options(repo, model))

    assert outcome.code == 0, outcome.stderr[-2000:]
    assert ASKED in server.exchanges[0].prompts.user
    library = "anthropic._base_client" if "anthropic" in model else "openai._base_client"
    assert_discreet(outcome, "temporalio", library, "httpcore2")


@pytest.mark.usefixtures("shared_server", "loud")
@pytest.mark.parametrize("model", ["openai:m", "anthropic:m"])
def test_libraries_that_read_their_own_variables_are_discreet(
    repo: Path, serve: Callable[..., LLMServer], model: str
) -> None:
    serve(UNFIT)
    done = subprocess.run(
        [sys.executable, "-m", "forge_cli", *options(repo, model)],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )

    assert_discreet(Outcome(0, done.stdout, done.stderr), "temporalio", "httpcore2")


@pytest.mark.usefixtures("shared_server", "loud")
@pytest.mark.parametrize(
    ("model", "replies"),
    [
        ("openai-chat:m", [UNFIT] * 3),
        ("openai-chat:m", [BROKEN] * 3),
        ("openai-chat:m", [CUT] * 2),
        ("anthropic:m", [UNFIT, BROKEN, CUT]),
    ],
    ids=["unfit", "broken", "cut off", "each in turn"],
)
def test_failed_call_is_discreet(
    repo: Path, serve: Callable[..., LLMServer], model: str, replies: list[Reply]
) -> None:
    server = serve(*replies)
    assert_discreet(run_forge(*options(repo, model)), "temporalio")
    assert len(server.exchanges) >= len(replies)


@pytest.mark.usefixtures("shared_server", "loud")
def test_run_that_is_resumed_is_discreet(repo: Path, serve: Callable[..., LLMServer]) -> None:
    server = serve(QUOTING)
    with running_forge(*options(repo, "openai-chat:m"), env={"FORGE_DEBUG": ""}) as process:
        server.wait_for_requests(1)
        process.kill()
    outcome = run_forge("resume", read_run().workflow_id, "-vv")

    assert_discreet(outcome, "temporalio")


@pytest.mark.usefixtures("loud")
def test_worker_is_discreet(repo: Path, tmp_path: Path, serve: Callable[..., LLMServer]) -> None:
    serve(UNFIT)
    with running_server(tmp_path) as address:
        where = ("--temporal-address", address)
        with running_forge("worker", *where, "-vv") as worker:
            assert worker.stdout.readline().startswith("worker ready")
            followed = run_forge(*options(repo, "openai:m"), *where)
            _, stderr = end_gently(worker, signal.SIGTERM)

    assert followed.code == 0, followed.stderr[-2000:]
    assert_discreet(followed)
    assert_discreet(Outcome(0, "", stderr), "temporalio", "openai")
