"""A task comes from options, from a file, or from both, options first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from forge_cli.options.run.run import (
    BudgetOptions,
    CheckOptions,
    ContextOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    TaskOptions,
)
from forge_cli.runs.task import build_task
from forge_core.errors import UsageError
from forge_core.models.check import Check
from forge_core.models.task import TaskDefinition


def make_task(
    description: str | None = None,
    task: TaskOptions | None = None,
    checks: CheckOptions | None = None,
    context: ContextOptions | None = None,
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
) -> TaskDefinition:
    options = RunOptions(
        description=description,
        task=task or TaskOptions(),
        models=ModelOptions(),
        checks=checks or CheckOptions(),
        context=context or ContextOptions(),
        budget=BudgetOptions(),
        output=OutputOptions(),
        defaults=defaults or {},
    )
    return build_task(options, suffix="00ff")


def test_description_alone_makes_a_task_with_an_id() -> None:
    task = make_task("Add a parser!")

    assert task == TaskDefinition(task_id="add-parser-00ff", description="Add a parser!")


def test_options_change_validation_and_context() -> None:
    task = make_task(
        "x",
        checks=CheckOptions(
            lint=False, run_tests=True, test_command="true", test_timeout=9, test_memory_mb=800
        ),
        context=ContextOptions(
            auto_discover=False,
            token_budget=50_000,
            include_deps=True,
            max_import_depth=3,
            repo_map_tokens=500,
        ),
    )

    assert (task.validation.run_ruff_lint, task.validation.run_ruff_format) == (False, None)
    assert task.validation.test_command == "true"
    assert (task.validation.test_timeout_s, task.validation.test_memory_mb) == (9, 800)
    assert (task.context.auto_discover, task.context.token_budget) == (False, 50_000)
    assert (task.context.include_dependencies, task.context.max_import_depth) == (True, 3)
    assert task.context.repo_map_tokens == 500


def test_small_budget_is_no_fault_of_the_maps_default() -> None:
    task = make_task("x", context=ContextOptions(token_budget=16_500))

    assert TaskDefinition.model_validate_json(task.model_dump_json()) == task


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (ContextOptions(token_budget=100), "token_budget 100 must be larger than output_reserve"),
        (
            ContextOptions(token_budget=20_000, repo_map_tokens=4001),
            "repo_map_tokens 4001 must not exceed the 4000 tokens that token_budget",
        ),
        (ContextOptions(max_import_depth=21), "max_import_depth: .* less than or equal to 20"),
        (ContextOptions(repo_map_tokens=-1), "repo_map_tokens: .* greater than or equal to 0"),
    ],
)
def test_silly_context_is_refused_in_one_line(context: ContextOptions, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        make_task("x", context=context)
    assert "\n" not in str(caught.value)


def test_protected_files_are_allowed_by_option_or_task_file(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("[validation]\nallow_protected_files = true\n")

    assert not make_task("x").validation.allow_protected_files
    for allowed in (
        make_task("x", checks=CheckOptions(allow_protected_files=True)),
        make_task("x", task=TaskOptions(task_file=tmp_path / "t.toml")),
    ):
        assert allowed.validation.allow_protected_files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("task.json", '{"task_id": "t", "description": "From file.", "target_files": ["a.py"]}'),
        ("task.toml", 'task_id = "t"\ndescription = "From file."\ntarget_files = ["a.py"]\n'),
    ],
)
def test_task_file_is_read_and_options_go_before_it(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)

    task = make_task(task=TaskOptions(task_file=tmp_path / name, target_file=("b.py",)))

    assert task == TaskDefinition(task_id="t", description="From file.", target_files=("b.py",))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("t.json", "{", "is not valid", id="broken JSON"),
        pytest.param("t.toml", "a = ", "is not valid", id="broken TOML"),
        pytest.param("t.json", "[1]", "must hold an object", id="a list"),
        pytest.param("t.yaml", "a: 1", r"must end in .json or .toml", id="other suffix"),
        pytest.param("t.json", '{"description": "x", "colour": 1}', "colour", id="unknown key"),
        pytest.param("t.json", '{"description": 3}', "t.json: description must be", id="no text"),
        pytest.param("t.json", '{"description": " "}', "t.json: description must be", id="blank"),
        pytest.param("t.json", "{}", "t.json has no description", id="no description"),
        pytest.param(
            "t.json", '{"description": "x", "validation": []}', "validation", id="wrong shape"
        ),
    ],
)
def test_bad_task_file_is_one_line(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(UsageError, match=reason) as caught:
        make_task(task=TaskOptions(task_file=tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('validation.run_tests = "yes"', "validation.run_tests: must be true or false"),
        ("validation.run_tests = 1", "validation.run_tests: must be true or false"),
        ("context.token_budget = 1e9", "context.token_budget: must be a whole number"),
        ('context.token_budget = "50000"', "context.token_budget: must be a whole number"),
        ('validation.test_timeout_s = "9"', "validation.test_timeout_s: must be a number"),
        ("base_branch = 4", "base_branch: must be a text"),
        ('target_files = "a.py"', "target_files: must be a list"),
        ("target_files = [1]", "target_files.0: must be a text"),
        ("context = 3", "context: must be an object"),
        ("context.token_budget = 0", "context.token_budget: must be greater than or equal to 1"),
    ],
)
def test_task_file_is_taken_at_its_word(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "t.toml").write_text(f'description = "x"\n{line}\n')

    with pytest.raises(UsageError) as caught:
        make_task(task=TaskOptions(task_file=tmp_path / "t.toml"))
    file = tmp_path / "t.toml"
    assert str(caught.value) == f"the task of {file} is not valid: {reason}"


def test_whole_number_is_a_number_in_a_task_file(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('description = "x"\nvalidation.test_timeout_s = 9\n')

    assert make_task(task=TaskOptions(task_file=tmp_path / "t.toml")).validation.test_timeout_s == 9


def test_missing_task_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        make_task(task=TaskOptions(task_file=tmp_path / "none.json"))


@pytest.mark.parametrize("description", [None, "", "  \n"])
def test_task_without_description_is_refused(description: str | None) -> None:
    with pytest.raises(UsageError, match="describe the task"):
        make_task(description)


def test_tests_without_a_command_are_refused() -> None:
    with pytest.raises(UsageError, match="run_tests needs a test_command"):
        make_task("x", checks=CheckOptions(run_tests=True))


def test_test_command_that_would_not_run_is_refused() -> None:
    with pytest.raises(UsageError, match="needs --run-tests"):
        make_task("x", checks=CheckOptions(test_command="true"))


def test_checks_come_from_configuration_task_file_and_options(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(
        '[[checks]]\nname = "b"\ncommand = "file"\nfiles = ["*.c"]\n'
        '[[checks]]\nname = "c"\ncommand = "file"\n'
    )
    configured = (Check(name="a", command="own"), Check(name="b", command="own"))

    task = make_task(
        "x",
        task=TaskOptions(task_file=file),
        checks=CheckOptions(check=("c=option", "d:*.js=option {files}")),
        defaults={"validation": {"checks": configured, "skipped_checks": ("d", "e")}},
    )

    assert task.validation.checks == (
        configured[0],
        Check(name="b", command="file", files=("*.c",)),
        Check(name="c", command="option"),
        Check(name="d", command="option {files}", files=("*.js",)),
    )
    assert task.validation.skipped_checks == ("e",)
    assert TaskDefinition.model_validate_json(task.model_dump_json()) == task


def test_task_as_it_is_dumped_is_a_task_file(tmp_path: Path) -> None:
    task = make_task("x", checks=CheckOptions(check=("a:*.js=b",)))
    (tmp_path / "t.json").write_text(task.model_dump_json())

    assert make_task(task=TaskOptions(task_file=tmp_path / "t.json")) == task


def test_fault_of_a_check_names_the_task_file(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('[[checks]]\nname = "tests"\ncommand = "x"\n')

    with pytest.raises(UsageError, match=r"t\.toml: check 1: name: .*one of Forge's own checks"):
        make_task("x", task=TaskOptions(task_file=tmp_path / "t.toml"))
