"""Prompts show the common parts first and say what failed before."""

from dataclasses import replace

import pytest
from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.budget import BudgetExceeded
from forge_core.context.repo_map import RepoMap
from forge_core.models.call.llm import FileOutput
from forge_core.models.plan import Plan
from forge_core.models.result import ValidationResult
from forge_core.models.task import ContextConfig, ForgeTaskInput, TaskDefinition
from forge_core.models.unit import (
    AttemptFailure,
    WorkUnit,
    build_step_unit,
    build_sub_task_unit,
    build_task_unit,
)
from forge_core.prompts.instructions import PLANNER, WRITER
from forge_core.prompts.sections import (
    DiscoveredFile,
    Materials,
    SourceFile,
    build_failure_sections,
    build_planner_sections,
    build_unit_sections,
    render_plan,
)

PLAN = Plan.model_validate(
    {
        "steps": [
            {"step_id": "first", "description": "One."},
            {
                "step_id": "second",
                "description": "Two.",
                "context_files": ["c.py"],
                "sub_tasks": [
                    {"sub_task_id": "left", "description": "L.", "target_files": ["l.py"]},
                    {"sub_task_id": "right", "description": "R.", "target_files": ["r.py"]},
                ],
            },
        ]
    }
)
WORK = ForgeTaskInput(
    task=TaskDefinition(task_id="t", description="Whole.", context_files=("always.py",)),
    repo_root="/repo",
    base_commit="0" * 40,
    model="scripted:x.json",
    planner_model="scripted:x.json",
)
MATERIALS = Materials(
    targets=(SourceFile("t.py", "old = 1\n"),),
    context_files=(SourceFile("c.py", None, "does not exist"),),
)


def make_step() -> WorkUnit:
    return build_step_unit(WORK, "wf", PLAN, PLAN.steps[1])


def test_target_that_does_not_stand_is_named_as_new() -> None:
    work = WORK.model_copy(
        update={"task": WORK.task.model_copy(update={"target_files": ("t.py", "typo.py")})}
    )
    new = SourceFile("typo.py", None, "does not exist yet")
    materials = replace(MATERIALS, targets=(*MATERIALS.targets, new))

    *_, unit = build_unit_sections(WRITER, build_task_unit(work, "wf"), materials, None)
    *_, plan = build_planner_sections(PLANNER, work.task, materials)

    listed = "Files to create or change:\n- t.py\n- typo.py (new: no such file stands yet)"
    assert listed in unit.text
    assert listed in plan.text


def test_common_sections_stand_before_those_that_change() -> None:
    failure = AttemptFailure(attempt=1, error="no files")

    found = tuple(
        DiscoveredFile(SourceFile(f"{kind}.py", None, outline="x", rank=4), kind, "why")
        for kind in ("interface", "dependency", "written_file")
    )
    materials = replace(MATERIALS, repo_map=RepoMap("t.py:", 2), discovered=found)

    sections = build_unit_sections(WRITER, make_step(), materials, failure)

    assert [section.kind for section in sections] == [
        "instructions",
        "repo_map",
        "context_file",
        "interface",
        "dependency",
        "written_file",
        "target_file",
        "plan",
        "task",
        "failure",
    ]


def test_found_file_keeps_why_and_how_important_it_is() -> None:
    file = SourceFile("f.py", "x = 1\n", outline="x = 1", rank=4)
    materials = Materials(discovered=(DiscoveredFile(file, "dependency", "imported by t.py"),))

    section = build_planner_sections(PLANNER, WORK.task, materials)[1]

    assert (section.kind, section.name, section.form) == ("dependency", "f.py", "full")
    assert (section.reason, section.outline, section.rank) == ("imported by t.py", "x = 1", 4)


def test_file_that_cannot_be_shown_is_named_with_its_reason() -> None:
    sections = build_unit_sections(WRITER, make_step(), MATERIALS, None)

    context = next(section for section in sections if section.kind == "context_file")
    assert (context.name, context.text, context.form) == ("c.py", "(does not exist)", "text")


def test_plan_marks_what_is_done_and_what_is_to_do_now() -> None:
    assert render_plan(PLAN, "second") == "1. first (done): One.\n2. second (now): Two."


def test_sub_task_knows_its_step_and_its_siblings() -> None:
    unit = build_sub_task_unit(make_step(), 2, PLAN.steps[1].sub_tasks[0], 3)

    task = build_unit_sections(WRITER, unit, MATERIALS, None)[-1].text

    assert "Whole." in task
    assert "The step (second): Two." in task
    assert "- right: R." in task
    assert task.endswith("Your part (left):\n\nL.\n\nFiles to create or change:\n- l.py")


def test_sub_task_unit_takes_its_steps_context_and_runs_no_tests() -> None:
    unit = build_sub_task_unit(make_step(), 2, PLAN.steps[1].sub_tasks[0], 3)

    assert unit.context_files == ("always.py", "c.py")
    assert (unit.step_attempt, unit.max_attempts) == (2, 3)
    assert unit.task.validation.run_tests is False
    assert unit.label == "second/left"


def test_task_unit_shows_the_tasks_own_description() -> None:
    unit = build_task_unit(WORK, "wf")

    assert build_unit_sections(WRITER, unit, MATERIALS, None)[-1].text == "Whole."


def test_failure_is_a_short_reason_then_findings_and_refused_files() -> None:
    failure = AttemptFailure(
        attempt=1,
        error="sub-task p failed",
        failed_checks=(
            ValidationResult(
                check_name="ruff_lint", passed=False, summary="1 finding", details="t.py:1:1 F821"
            ),
        ),
        files=(FileOutput(file_path="t.py", content="x = y\n"),),
    )

    reason, finding, refused = build_failure_sections(failure)

    assert reason.text == (
        "Attempt 1 was refused.\n\nsub-task p failed\n\nCheck ruff_lint failed: 1 finding"
    )
    assert (finding.kind, finding.name) == ("finding", "ruff_lint")
    assert "t.py:1:1 F821" in finding.text
    assert (refused.kind, refused.name, refused.text) == (
        "refused_file",
        "t.py",
        "```\nx = y\n```",
    )


def test_reason_of_a_failure_stays_when_its_findings_find_no_room() -> None:
    check = ValidationResult(
        check_name="tests", passed=False, summary="exit 1", details="x" * 12_000
    )
    failure = AttemptFailure(attempt=1, failed_checks=(check,))
    sections = build_unit_sections(WRITER, build_task_unit(WORK, "wf"), MATERIALS, failure)

    config = ContextConfig(token_budget=2000, output_reserve=1000)
    prompt = build_prompt(sections, config, Coverage())

    assert "Check tests failed: exit 1" in prompt.user_prompt
    assert "xxx" not in prompt.user_prompt
    assert [(e.kind, e.name) for e in prompt.manifest if e.form == "omitted"] == [
        ("finding", "tests")
    ]


LONG = "".join(f"value_{number} = {number}\n" for number in range(5_547))


def make_long_unit(**config: int) -> WorkUnit:
    context = ContextConfig.model_validate(config)
    task = WORK.task.model_copy(
        update={"description": "Raise value_4321.", "context": context, "target_files": ("t.py",)}
    )
    return build_task_unit(WORK.model_copy(update={"task": task}), "wf")


def test_long_targets_are_to_be_changed_by_edits_only() -> None:
    materials = Materials(targets=(SourceFile("t.py", LONG), SourceFile("new.py", None, "-")))

    told, silent = (
        build_unit_sections(WRITER, make_long_unit(output_reserve=reserve), materials, None)[-1]
        for reserve in (16_000, 60_000)
    )

    assert told.text.endswith("to be changed by edits only:\n- t.py (5547 lines)")
    assert "edits only" not in silent.text


def test_target_that_finds_no_room_is_shown_by_parts_that_the_task_leads_to() -> None:
    unit = make_long_unit(token_budget=12_000, output_reserve=4_000)
    materials = Materials(targets=(SourceFile("t.py", LONG, outline="value_0: int"),))

    prompt = build_prompt(
        build_unit_sections(WRITER, unit, materials, None), unit.task.context, Coverage()
    )

    assert "## Target file: t.py (parts of it, the whole file finds no room)" in prompt.user_prompt
    assert "\nvalue_4321 = 4321\n" in prompt.user_prompt
    (entry,) = [entry for entry in prompt.manifest if entry.path == "t.py"]
    assert entry.form == "excerpt"
    assert any(first <= 4322 <= last for first, last in entry.ranges)
    for first, last in entry.ranges:
        assert f"### lines {first}–{last} of 5547" in prompt.user_prompt  # noqa: RUF001


def test_target_of_which_no_part_finds_room_ends_the_attempt() -> None:
    unit = make_long_unit(token_budget=4_000, output_reserve=3_000)
    materials = Materials(targets=(SourceFile("t.py", "x" * 50_000),))

    with pytest.raises(BudgetExceeded, match=r"'t.py' finds no room, not even parts of it"):
        build_prompt(
            build_unit_sections(WRITER, unit, materials, None), unit.task.context, Coverage()
        )


def test_planner_is_told_which_files_are_long() -> None:
    interface = SourceFile("i.py", None, outline="def f(): ...", lines=700)
    materials = Materials(
        targets=(SourceFile("t.py", LONG), SourceFile("short.py", "x = 1\n")),
        discovered=(DiscoveredFile(interface, "interface", "imported"),),
    )

    task = build_planner_sections(PLANNER, WORK.task, materials)[-1]

    assert task.text.endswith("Long files:\n- t.py: 5547 lines\n- i.py: 700 lines")
