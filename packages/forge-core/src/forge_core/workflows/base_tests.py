"""The tests of what a run starts from, before its first request.

See D75.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from forge_core.activities.files import validate_output
    from forge_core.activities.git import reset_worktree_to
    from forge_core.models.activity import ResetWorktreeInput, ValidateInput
    from forge_core.models.result import ValidationResult
    from forge_core.models.task import TaskDefinition
    from forge_core.validation.excerpt import QUOTED_LENGTH, find_failure
    from forge_core.workflows.activity_calls import execute
    from forge_core.workflows.options import build_validation_options, build_worktree_options
    from forge_core.workflows.producer import UnitWorktree


async def run_base_tests(
    task: TaskDefinition, workflow_id: str, worktree: UnitWorktree
) -> ValidationResult | None:
    """Run the tests before anything is changed; return their verdict if they do not pass."""
    config = task.validation.model_copy(update={"checks": (), "skipped_checks": ()})
    queue = worktree.owner.task_queue
    verdicts = await execute(
        validate_output,
        ValidateInput(
            workflow_id=workflow_id,
            worktree=worktree.path,
            head=worktree.head,
            paths=(),
            config=config,
            task_id=task.task_id,
            attempt=0,
        ),
        build_validation_options(queue, config.longest_s),
    )
    failed = next((result for result in verdicts.results if not result.passed), None)
    if failed is None:
        await execute(
            reset_worktree_to,
            ResetWorktreeInput(workflow_id=workflow_id, path=worktree.path, commit=worktree.head),
            build_worktree_options(queue),
        )
    return failed


def describe_base_failure(verdict: ValidationResult) -> str:
    """Say in one line how the tests fail before anything is changed; pure."""
    lines = (verdict.details or "").split("\n")
    index = find_failure(lines)
    line = "" if index is None else f" ({lines[index].strip()[:QUOTED_LENGTH]})"
    return f"the tests fail before anything is changed: {verdict.summary}{line}"
