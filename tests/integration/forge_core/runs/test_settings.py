"""How the models of a run are asked, from its submission to the record of each call."""

import json
from pathlib import Path

import pytest
from forge_core.errors import UsageError
from forge_core.models.call.settings import CallSettings
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.worker.worker import running_worker
from forge_obs import get_db_path, get_interactions, open_reader
from support.repository import make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue

PART = {"sub_task_id": "tax", "description": "Write it.", "target_files": ["tax.py"]}
PLAN = {
    "steps": [
        {"step_id": "cart", "description": "Write it.", "target_files": ["cart.py"]},
        {"step_id": "parts", "description": "In parts.", "sub_tasks": [PART]},
    ]
}
TASK = TaskDefinition(task_id="work", description="Add a cart and its tax.")


async def test_settings_reach_every_call_of_their_role(
    temporal_address: str, tmp_path: Path
) -> None:
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": PLAN},
        {"sub_task_id": "tax", "answer": answer("tax.py", '"""The tax."""\n')},
        {"step_id": "cart", "answer": answer("cart.py", '"""The cart."""\n')},
    )
    settings = RunSettings(
        model,
        model,
        plan=True,
        settings=CallSettings(temperature=0, max_output_tokens=900),
        planner_settings=CallSettings(
            reasoning_effort="high", max_output_tokens=700, timeout_s=50, service_tier="flex"
        ),
    )
    work = resolve_run(TASK, make_repository(tmp_path / "repo", {"a.py": ""}), settings)
    client = await connect(embedded_config(temporal_address, get_state_dir()))
    queue = unique_queue()

    async with running_worker(client, queue):
        result = await wait_for_result(await submit_run(client, work, f"forge-{queue}", queue))

    assert result.status == "success", result.error
    planner, *writers = read_params(f"forge-{queue}")
    common = {"output_mode": "tool", "tool": "plan"}
    assert planner == common | {
        "max_tokens": 700,
        "max_output_tokens": 700,
        "reasoning_effort": "high",
        "timeout_s": 50,
        "service_tier": "flex",
    }
    assert writers == 2 * [
        common
        | {
            "tool": "llmresponse",
            "max_tokens": 900,
            "max_output_tokens": 900,
            "temperature": 0,
            "timeout_s": 600,
        }
    ]


def read_params(workflow_id: str) -> list[dict[str, object]]:
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    assert engine is not None
    calls = get_interactions(engine, workflow_id=workflow_id)
    return [json.loads(call.params_json or "{}") for call in calls]


@pytest.mark.parametrize(
    "settings",
    [
        RunSettings("m", "m", settings=CallSettings(max_output_tokens=100_000)),
        RunSettings("m", "m", True, planner_settings=CallSettings(max_output_tokens=100_000)),
    ],
    ids=["writer", "planner"],
)
def test_answer_longer_than_the_budget_is_refused(tmp_path: Path, settings: RunSettings) -> None:
    with pytest.raises(UsageError) as refused:
        resolve_run(TASK, tmp_path, settings)

    assert str(refused.value) == (
        "token_budget 100000 must be larger than max_output_tokens 100000"
    )
