"""A task file is refused with all of its unknown keys, and what they were meant to be."""

from pathlib import Path

import pytest
from forge_cli.runs.task_file import load_task_file
from forge_core.errors import UsageError


def test_every_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    path.write_text(
        'description = "x"\ntarget_file = ["a.py"]\nfoo = 1\nrun_tests = true\n'
        "[validation]\ntest_comand = 'x'\n[context]\ntokenbudget = 3\n[buget]\n"
        "[[checks]]\nname = 'x'\ncomand = 'y'\n"
    )

    with pytest.raises(UsageError) as refused:
        load_task_file(path)

    assert str(refused.value) == (
        f"task file {path}: unknown keys target_file (did you mean target_files?), foo, "
        "run_tests (did you mean validation.run_tests?), "
        "validation.test_comand (did you mean validation.test_command?), "
        "context.tokenbudget (did you mean context.token_budget?), "
        "buget (did you mean budget?), checks.comand (did you mean checks.command?)"
    )


def test_known_keys_and_values_of_any_form_are_read(tmp_path: Path) -> None:
    path = tmp_path / "task.json"
    path.write_text(
        '{"description": "x", "validation": 3, "checks": 1, "budget": {"max_cost_usd": 1}}'
    )

    assert load_task_file(path)["validation"] == 3
