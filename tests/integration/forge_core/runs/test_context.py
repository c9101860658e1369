"""What the calls of a real run are shown, and what of it is on record."""

import json
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from forge_core.models.call.context import ContextEntry, ContextStats
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.worker.worker import running_worker
from forge_obs import Interaction, get_db_path, get_interactions, open_reader
from support.forge import run_forge
from support.repository import make_repository
from support.script import answer, write_script
from support.temporal_server import unique_queue

FILES: dict[str, str | bytes] = {
    "shop/__init__.py": "",
    "shop/cart.py": '"""The cart."""\nfrom shop.money import Money\n\nTOTAL = Money()\n',
    "shop/money.py": "class Money:\n    def add(self) -> None:\n        pass\n",
    "package-lock.json": "{}",
}
PARTS = [
    {"sub_task_id": name, "description": f"Write {name}.", "target_files": [f"shop/{name}.py"]}
    for name in ("left", "right")
]
PLAN = {
    "steps": [
        {"step_id": "tax", "description": "Add it.", "target_files": ["shop/tax.py"]},
        {"step_id": "parts", "description": "Both.", "sub_tasks": PARTS},
        {"step_id": "cart", "description": "Use it.", "target_files": ["shop/cart.py"]},
    ]
}
BROKEN = answer("shop/tax.py", "RATE = missing\n")
TAX = answer("shop/tax.py", '"""The tax."""\n\nRATE = 7\n')


@pytest.fixture
async def calls(temporal_address: str, tmp_path: Path) -> list[Interaction]:
    """Run a planned task, of which one attempt is refused, and read its calls."""
    repo = make_repository(tmp_path / "repo", FILES)
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": PLAN},
        {"step_id": "tax", "attempt": 1, "answer": BROKEN},
        {"step_id": "tax", "attempt": 2, "answer": TAX},
        *(
            {"sub_task_id": name, "answer": answer(f"shop/{name}.py", f"{name.upper()} = 1\n")}
            for name in ("left", "right")
        ),
        {"step_id": "cart", "answer": answer("shop/cart.py", "TOTAL = 0\n")},
    )
    task = TaskDefinition(task_id="work", description="Tax.", target_files=("shop/cart.py",))
    work = resolve_run(
        task, repo, RunSettings(model, model, plan=True, planner_chars_per_token=2.0)
    )
    client = await connect(embedded_config(temporal_address, get_state_dir()))
    queue = unique_queue()
    async with running_worker(client, queue):
        result = await wait_for_result(await submit_run(client, work, f"forge-{queue}", queue))
    assert result.status == "success", result.error
    return read_calls(f"forge-{queue}")


def read_calls(workflow_id: str) -> list[Interaction]:
    path = get_db_path()
    engine = open_reader(path) if path is not None else None
    assert engine is not None
    return get_interactions(engine, workflow_id=workflow_id)


def read_manifest(call: Interaction) -> list[ContextEntry]:
    return [ContextEntry(**entry) for entry in json.loads(call.context_manifest_json or "[]")]


def find(calls: list[Interaction], **labels: Any) -> Interaction:
    matching = [
        call for call in calls if all(getattr(call, name) == labels[name] for name in labels)
    ]
    assert len(matching) == 1
    return matching[0]


async def test_context_of_a_planned_run(calls: list[Interaction]) -> None:
    check_common_part(calls)
    check_planner(find(calls, role="planner"))
    check_repair(find(calls, step_id="tax", attempt=1), find(calls, step_id="tax", attempt=2))
    check_earlier_steps(find(calls, sub_task_id="left"), find(calls, step_id="cart"))
    check_record(calls)
    check_status(calls)


def check_common_part(calls: list[Interaction]) -> None:
    writers = {call.system_prompt.encode() for call in calls if call.role == "llm"}

    assert len(calls) == 6
    assert len(writers) == 1
    assert b"shop/cart.py:\n" in writers.pop()
    (planner,) = {call.system_prompt for call in calls if call.role == "planner"}
    (writer,) = {call.system_prompt for call in calls if call.role == "llm"}
    assert planner.split("## Repository map")[1] == writer.split("## Repository map")[1]


def check_planner(call: Interaction) -> None:
    stats = ContextStats.model_validate_json(call.context_stats_json or "")
    assert stats.total_estimated_tokens == ceil(
        (len(call.system_prompt) + len(call.user_prompt)) / 2.0
    )
    assert "def add(self) -> None: ..." in call.user_prompt
    assert "## Interface: shop/money.py" in call.user_prompt
    assert "TOTAL = Money()" in call.user_prompt


def check_repair(first: Interaction, second: Interaction) -> None:
    assert "## Previous attempt" not in first.user_prompt
    assert second.user_prompt.startswith(first.user_prompt)
    assert "RATE = missing" in second.user_prompt


def check_earlier_steps(part: Interaction, last: Interaction) -> None:
    for call in (part, last):
        assert "## Written by an earlier step: shop/tax.py" in call.user_prompt
        assert "RATE = 7" in call.user_prompt
    assert "shop/left.py" in last.user_prompt
    assert "## Imported file: shop/money.py" in last.user_prompt


def check_record(calls: list[Interaction]) -> None:
    for call in calls:
        manifest = read_manifest(call)
        stats = ContextStats.model_validate_json(call.context_stats_json or "")
        assert {"instructions", "repo_map", "task"} <= {entry.kind for entry in manifest}
        assert stats.files_left_out == {"lock file": 1}
        assert stats.repo_map_tokens > 0
        assert stats.total_estimated_tokens > sum(
            entry.tokens for entry in manifest if entry.kind == "task"
        )
    (money,) = (e for e in read_manifest(find(calls, step_id="cart")) if e.kind == "dependency")
    assert (money.path, money.form, money.reason) == (
        "shop/money.py",
        "full",
        "imported by shop/cart.py",
    )
    assert money.rank is not None


def check_status(calls: list[Interaction]) -> None:
    workflow_id = str(calls[0].workflow_id)
    printed = run_forge("status", "--workflow-id", workflow_id, "--verbose").stdout
    document = run_forge("status", "--workflow-id", workflow_id, "--json").document

    assert "manifest (tokens are estimates):" in printed
    assert any(
        line.split()[:1] == ["full"] and line.endswith("shop/money.py  imported by shop/cart.py")
        for line in printed.splitlines()
    )
    manifest = document["interactions"][-1]["context_manifest"]
    assert [entry["path"] for entry in manifest if entry["kind"] == "target_file"] == [
        "shop/cart.py"
    ]
