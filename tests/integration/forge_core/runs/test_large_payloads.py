"""Large prompts and answers pass, and a run's history stays small."""

from pathlib import Path

import pytest
from forge_core.models.result import TaskResult
from forge_core.models.task import ContextConfig, TaskDefinition, ValidationConfig
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import ConnectConfig, connect
from forge_core.temporal_client.inspector import RunHandle
from forge_core.temporal_client.payload_size import INLINE_LIMIT_BYTES
from forge_core.worker.worker import running_worker
from support.llm_server import LLMServer, in_order, tool
from support.repository import git, make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

CONTEXT_CHARACTERS = 400_000
UNCHECKED = ValidationConfig(auto_fix=False, run_ruff_lint=False, run_ruff_format=False)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    line = "All work and no play makes a long context file.\n"
    text = line * (CONTEXT_CHARACTERS // len(line))
    return make_repository(tmp_path / "repo", {"README.md": "# x\n", "long.md": text})


async def execute(
    client: Client, repo: Path, model: str, *, plan: bool = False
) -> tuple[TaskResult, RunHandle]:
    task = TaskDefinition(
        task_id="work",
        description="Do the work.",
        context_files=("long.md",),
        validation=UNCHECKED,
        context=ContextConfig(token_budget=150_000),
    )
    work = resolve_run(task, repo, RunSettings(model, model, plan=plan))
    queue = unique_queue()
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        return await wait_for_result(handle), handle


def size_of(history: WorkflowHistory) -> int:
    return sum(event.ByteSize() for event in history.events)


@pytest.mark.parametrize("steps", [5, pytest.param(100, marks=pytest.mark.soak)])
async def test_history_of_a_long_plan_with_large_prompts_stays_small(
    client: Client, repo: Path, tmp_path: Path, steps: int
) -> None:
    names = [f"s{number}" for number in range(steps)]
    plan = {"steps": [{"step_id": name, "description": f"Write {name}." * 5} for name in names]}
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": plan},
        *({"step_id": name, "answer": answer(f"{name}.py")} for name in names),
    )

    result, handle = await execute(client, repo, model, plan=True)

    history = await handle.fetch_history()
    assert result.status == "success"
    assert len(result.step_results) == steps
    assert size_of(history) < 5_000_000 * steps / 100
    assert len(history.events) < 10_000 * steps / 100
    kept = [path.stat().st_size for path in get_state_dir().rglob("*.zst")]
    assert len(kept) >= 2 * steps
    assert sum(kept) < 2 * steps * CONTEXT_CHARACTERS / 20


async def test_answer_of_three_megabytes_passes(client: Client, repo: Path, tmp_path: Path) -> None:
    content = "x = 1  # a long file\n" * 150_000
    model = write_script(tmp_path / "script.json", {"answer": answer("big.py", content)})

    result, handle = await execute(client, repo, model)

    assert result.status == "success"
    assert git(repo, "show", "forge/work:big.py") == content.rstrip("\n")
    assert size_of(await handle.fetch_history()) < 100_000


async def test_answer_too_large_for_a_history_fails_the_task_once_where_nothing_is_kept_outside(
    temporal_address: str, repo: Path, tmp_path: Path
) -> None:
    client = await connect(ConnectConfig({"target_host": temporal_address}))
    content = "x" * INLINE_LIMIT_BYTES
    model = write_script(tmp_path / "script.json", {"answer": answer("big.txt", content)})

    result, _ = await execute(client, repo, model)

    assert result.status == "failure_terminal"
    assert "the model's answer takes" in (result.error or "")
    assert len(result.attempts) == 1


@pytest.mark.parametrize(
    "content", ["NUL = '\0'\n", "\x85\u2028\ufeff\uffff\n"], ids=["NUL", "separators"]
)
async def test_answer_with_unusual_text_is_written_as_it_is(
    client: Client, repo: Path, tmp_path: Path, content: str
) -> None:
    model = write_script(tmp_path / "script.json", {"answer": answer("odd.txt", content)})

    result, _ = await execute(client, repo, model)

    assert (result.status, len(result.attempts)) == ("success", 1)
    assert (Path(result.worktree_path or "") / "odd.txt").read_bytes() == content.encode()


async def test_answer_with_half_a_surrogate_pair_is_asked_for_again_and_fails_nothing(
    client: Client, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = tool(answer("odd.txt", "\ud83d\n")), tool(answer("odd.txt", "fine\n"))
    with LLMServer(in_order(broken, whole)) as server:
        server.configure(monkeypatch)
        result, handle = await execute(client, repo, "openai-chat:writer-1")

    history = await handle.fetch_history()
    failed = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
    assert (result.status, len(result.attempts), len(server.exchanges)) == ("success", 1, 2)
    assert all(event.event_type != failed for event in history.events)
