"""What becomes of a run in whose activities something goes wrong."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge_core.activities import files, git, model_call
from forge_core.errors import InfrastructureError, RunStuck, WorktreeBusy
from forge_core.models.task import ForgeTaskInput, TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result, wait_unless_stuck
from forge_core.runs.events import RunEvent
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.temporal_client.executions import hasten, release
from forge_core.worker.interceptors.failures import MAX_UNEXPECTED_FAILURES
from forge_core.worker.worker import running_worker
from forge_obs import get_interactions, get_run, open_reader
from pydantic import BaseModel, ValidationError
from support.repository import make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue
from temporalio.client import Client, WorkflowExecutionStatus


def ignore(_event: RunEvent) -> None:
    """Nobody is told."""


@pytest.fixture
def work(tmp_path: Path) -> ForgeTaskInput:
    repo = make_repository(tmp_path / "repo", {"README.md": "x\n"})
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    return resolve_run(
        TaskDefinition(task_id="t", description="x"), repo, RunSettings(model, model)
    )


class Mistake:
    """A mistake of ours in a function that an activity calls, for so many calls."""

    def __init__(self, function: Callable[..., Any], times: int) -> None:
        self._function = function
        self._left = times
        self.error: Exception = KeyError("of ours")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if self._left:
            self._left -= 1
            raise self.error
        return self._function(*args, **keywords)

    def mend(self) -> None:
        self._left = 0


PLACES = [
    pytest.param(git, "claim_task", id="a regular activity"),
    pytest.param(model_call, "open_journal", id="a model call"),
    pytest.param(files, "write_changes", id="a local activity"),
]


@pytest.fixture
def make_mistake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, int], Mistake]:
    def make(module: Any, name: str, times: int) -> Mistake:
        mistake = Mistake(getattr(module, name), times)
        monkeypatch.setattr(module, name, mistake)
        return mistake

    return make


@pytest.mark.parametrize(("module", "name"), PLACES)
async def test_unexpected_error_that_comes_again_leaves_the_run_to_be_resumed(
    client: Client,
    work: ForgeTaskInput,
    make_mistake: Callable[[Any, str, int], Mistake],
    module: Any,
    name: str,
) -> None:
    mistake, queue = make_mistake(module, name, 1000), unique_queue()
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        with pytest.raises(RunStuck) as stuck:
            await wait_unless_stuck(client, handle, ignore)
    left = await handle.describe()

    mistake.mend()
    await release(client, handle.id)
    async with running_worker(client, queue):
        result = await wait_unless_stuck(client, handle, ignore)

    assert left.status == WorkflowExecutionStatus.RUNNING
    assert str(stuck.value) == (
        f"run {handle.id} makes no progress: KeyError: 'of ours': forge resume {handle.id} tries "
        f"again, forge cancel {handle.id} ends it"
    )
    assert result.status == "success"
    assert [call.status for call in read_calls()] == ["ok"]


async def test_worker_tries_again_at_once_what_its_user_has_mended(
    client: Client, work: ForgeTaskInput, make_mistake: Callable[[Any, str, int], Mistake]
) -> None:
    mistake, queue = make_mistake(files, "write_changes", 1000), unique_queue()
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        with pytest.raises(RunStuck):
            await wait_unless_stuck(client, handle, ignore)
        mistake.mend()
        await hasten(client, handle.id)
        result = await wait_unless_stuck(client, handle, ignore)

    assert result.status == "success"


class Answer(BaseModel):
    """What a model is to say."""

    count: int


def misread() -> ValidationError:
    with pytest.raises(ValidationError) as misread:
        Answer.model_validate({"count": "what it said"})
    return misread.value


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WorktreeBusy("an earlier attempt works in t"), "an earlier attempt works in t"),
        (misread(), "ValidationError: Answer: count Input should be a valid integer"),
    ],
    ids=["busy worktree", "misread answer"],
)
async def test_error_is_told_in_words_that_quote_no_answer(
    client: Client,
    work: ForgeTaskInput,
    make_mistake: Callable[[Any, str, int], Mistake],
    error: Exception,
    told: str,
) -> None:
    mistake, queue = make_mistake(git, "claim_task", 1000), unique_queue()
    mistake.error = error
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        with pytest.raises(RunStuck) as stuck:
            await wait_unless_stuck(client, handle, ignore)
    await handle.terminate()

    assert f"makes no progress: {told}" in str(stuck.value)
    assert "what it said" not in str(stuck.value)


@pytest.mark.parametrize(("module", "name"), PLACES)
async def test_unexpected_error_that_passes_is_not_noticed(
    client: Client,
    work: ForgeTaskInput,
    make_mistake: Callable[[Any, str, int], Mistake],
    module: Any,
    name: str,
) -> None:
    make_mistake(module, name, MAX_UNEXPECTED_FAILURES - 1)
    queue = unique_queue()
    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        result = await wait_unless_stuck(client, handle, ignore)

    assert result.status == "success"


async def test_obstacle_in_the_repository_ends_the_run_and_is_on_record(
    temporal_address: str, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo", {"README.md": "x\n"})
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    work = resolve_run(
        TaskDefinition(task_id="t", description="x"), repo, RunSettings(model, model)
    )
    (repo / ".forge-worktrees").write_text("in the way\n")
    client, queue = (
        await connect(embedded_config(temporal_address, get_state_dir())),
        unique_queue(),
    )

    async with running_worker(client, queue):
        handle = await submit_run(client, work, f"forge-{queue}", queue)
        with pytest.raises(InfrastructureError) as caught:
            await wait_for_result(handle)

    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    run = get_run(engine, f"forge-{queue}")
    assert run is not None
    assert run.status == "error"
    assert run.finished_at is not None
    assert "\n" not in str(caught.value)
    assert str(caught.value)


def read_calls() -> list[Any]:
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    return list(get_interactions(engine))
