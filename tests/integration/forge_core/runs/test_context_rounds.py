"""A planner, a step and a sub-task ask for more context; each round is on record and shown."""

import json
from pathlib import Path

from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.worker.worker import running_worker
from forge_obs import Interaction, get_db_path, get_interactions, open_reader
from support.forge import run_forge
from support.repository import git, make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue

FILES: dict[str, str | bytes] = {"docs/rates.txt": "seven\n", "docs/more.txt": "eight\n"}
ASK = {"context_request": {"files": ["docs/rates.txt"], "searches": ["eight"]}}
EDIT = {
    "edits": [{"file_path": "docs/rates.txt", "search": "seven", "replace": "nine"}],
    "explanation": "done",
}
PARTS = [{"sub_task_id": "part", "description": "Write it.", "target_files": ["part.txt"]}]
PLAN = {
    "steps": [
        {"step_id": "edit", "description": "Change the rates."},
        {"step_id": "parts", "description": "The rest.", "sub_tasks": PARTS},
    ]
}


async def test_rounds_of_a_planned_run(temporal_address: str, tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", FILES)
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "sample": 0, "answer": ASK},
        {"role": "planner", "sample": 1, "answer": PLAN},
        {"step_id": "edit", "sample": 0, "answer": ASK},
        {"step_id": "edit", "sample": 1, "answer": EDIT},
        {"sub_task_id": "part", "sample": 0, "answer": ASK},
        {"sub_task_id": "part", "sample": 1, "answer": answer("part.txt", "x\n")},
    )
    task = TaskDefinition(task_id="work", description="Rates.")
    work = resolve_run(task, repo, RunSettings(model, model, plan=True))
    client = await connect(embedded_config(temporal_address, get_state_dir()))
    queue = unique_queue()
    async with running_worker(client, queue):
        result = await wait_for_result(await submit_run(client, work, f"forge-{queue}", queue))

    assert result.status == "success", result.error
    assert git(repo, "show", "forge/work:docs/rates.txt") == "nine"
    calls = read_calls(f"forge-{queue}")
    assert [(call.role, call.step_id, call.seq) for call in calls] == [
        ("planner", None, 0),
        ("planner", None, 1),
        ("llm", "edit", 0),
        ("llm", "edit", 1),
        ("llm", "parts", 0),
        ("llm", "parts", 1),
    ]
    for first, second in zip(calls[::2], calls[1::2], strict=True):
        check_round(first, second)
    assert "docs/rates.txt (whole)" in str(calls[0].notes)
    check_shown(f"forge-{queue}", calls[2])


def check_round(first: Interaction, second: Interaction) -> None:
    assert (first.status, second.status) == ("ok", "ok")
    assert str(first.notes).startswith("asked for docs/rates.txt, 'eight'; shown: ")
    assert second.notes is None
    assert first.outcome == "asked"
    assert str(first.outcome_reason).startswith("docs/rates.txt, 'eight'; shown: ")
    assert second.outcome == "accepted"
    assert second.system_prompt == first.system_prompt
    assert second.user_prompt.startswith(first.user_prompt)
    assert "## Asked for: docs/rates.txt" in second.user_prompt
    assert "docs/more.txt:1: eight" in second.user_prompt


def check_shown(workflow_id: str, call: Interaction) -> None:
    tree = run_forge("status", "--workflow-id", workflow_id).stdout
    assert "request 1 asked back" in tree
    assert "asked for docs/rates.txt, 'eight'" in tree
    document = json.loads(run_forge("status", "--workflow-id", workflow_id, "--json").stdout)
    assert "asked for docs/rates.txt, 'eight'" in json.dumps(document)
    assert (
        "asks for docs/rates.txt\nasks where 'eight' stands"
        in run_forge("show", str(call.entry_id)).stdout
    )


def read_calls(workflow_id: str) -> list[Interaction]:
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    assert engine is not None
    return get_interactions(engine, workflow_id=workflow_id)
