"""A step's sub-tasks: one child workflow each, in parallel, then gathered."""

import asyncio

from temporalio import workflow
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from forge_core.activities.git import (
        create_sub_worktree,
        gather_sub_tasks,
        remove_sub_task_worktrees,
    )
    from forge_core.models.activity import (
        CreateSubWorktreeInput,
        GatherInput,
        RemoveSubWorktreesInput,
        SubTaskInput,
    )
    from forge_core.models.budget import Grant
    from forge_core.models.call.llm import Untouched
    from forge_core.models.changes import FileChange
    from forge_core.models.ids import build_sub_task_workflow_id
    from forge_core.models.plan import PlanStep, SubTask
    from forge_core.models.result import SubTaskResult
    from forge_core.models.task import ForgeTaskInput
    from forge_core.models.unit import AttemptFailure, WorkUnit, build_sub_task_unit
    from forge_core.workflows.activity_calls import FAILURES, execute, stop_if_cancelled
    from forge_core.workflows.budget import GRANT_ALLOWANCE, RunBudget, SubTaskBudget
    from forge_core.workflows.options import TASK_TIMEOUT, build_worktree_options
    from forge_core.workflows.producer import LLMProducer, Product, Stopwatch, UnitWorktree
    from forge_core.workflows.transition import Fault, is_final
    from forge_core.workflows.unit import UnitRun


@workflow.defn(failure_exception_types=FAILURES)
class ForgeSubTaskWorkflow:
    """Works on one sub-task in a worktree of its own and returns its commit."""

    def __init__(self) -> None:
        self._budget = SubTaskBudget()

    @workflow.signal(name=GRANT_ALLOWANCE)
    def grant_allowance(self, grant: Grant) -> None:
        """Take what the run says is left of its budget."""
        self._budget.receive(grant)

    @workflow.run
    async def run(self, work: SubTaskInput) -> SubTaskResult:
        """Run the universal step in a detached worktree."""
        unit = work.unit
        self._budget.begin(is_limited=work.is_limited)
        workspace = await execute(
            create_sub_worktree,
            CreateSubWorktreeInput(
                workflow_id=unit.workflow_id,
                repo_root=work.repo_root,
                task_id=unit.task.task_id,
                step_id=unit.step_id or "",
                sub_task_id=unit.sub_task_id or "",
                commit=work.commit,
            ),
            build_worktree_options(work.owner.task_queue),
        )
        worktree = UnitWorktree(work.repo_root, workspace.path, work.commit, work.owner)
        producer = LLMProducer(unit, worktree, self._budget)
        outcome = await UnitRun(unit, worktree, producer).run(work.failure)
        return SubTaskResult(
            sub_task_id=unit.sub_task_id or "",
            status=outcome.status,
            output_files=outcome.output_files,
            validation_results=outcome.validation_results,
            digest=outcome.commit_sha,
            entry_ids=outcome.entry_ids,
            error=outcome.error,
            llm_stats=outcome.llm_stats,
            attempts=outcome.attempts,
            spent=self._budget.spent,
        )


class FanOutProducer:
    """Produces a step's files by its sub-tasks."""

    def __init__(
        self,
        work: ForgeTaskInput,
        unit: WorkUnit,
        step: PlanStep,
        worktree: UnitWorktree,
        budget: RunBudget,
    ) -> None:
        self._unit = unit
        self._step = step
        self._worktree = worktree
        self._budget = budget
        self._max_sub_task_attempts = work.max_sub_task_attempts

    async def produce(self, attempt: int, failure: AttemptFailure | None) -> Product:
        """Run all sub-tasks and bring their commits together."""
        watch = Stopwatch()
        outcomes = await asyncio.gather(
            *(self._run_child(attempt, part, failure) for part in self._step.sub_tasks),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        stop_if_cancelled()
        results = tuple(o for o in outcomes if isinstance(o, SubTaskResult))
        model_ms = watch.lap()
        fault = _find_fault(results)
        if fault is not None:
            return Product(fault=fault, sub_task_results=results, model_ms=model_ms)
        merge = await execute(
            gather_sub_tasks,
            GatherInput(
                workflow_id=self._unit.workflow_id,
                worktree=self._worktree.path,
                base=self._worktree.head,
                commits={part.sub_task_id: part.digest for part in results if part.digest},
            ),
            build_worktree_options(self._worktree.owner.task_queue),
        )
        return Product(
            paths=merge.paths,
            changes=_list_changes(results),
            untouched=_list_untouched(results),
            entry_ids=tuple(entry_id for part in results for entry_id in part.entry_ids),
            fault=Fault(merge.error) if merge.error else None,
            sub_task_results=results,
            model_ms=model_ms,
            write_ms=watch.lap(),
        )

    async def clean_up(self) -> None:
        """Remove the worktrees and refs of all attempts at the step, also when cancelled."""
        await workflow.execute_activity(
            remove_sub_task_worktrees,
            RemoveSubWorktreesInput(
                repo_root=self._worktree.repo_root,
                task_id=self._unit.task.task_id,
                workflow_id=self._unit.workflow_id,
                step_id=self._step.step_id,
            ),
            **build_worktree_options(self._worktree.owner.task_queue),
        )

    async def _run_child(
        self, attempt: int, part: SubTask, failure: AttemptFailure | None
    ) -> SubTaskResult:
        unit = build_sub_task_unit(
            self._unit, attempt, part, self._max_sub_task_attempts, workflow.info().run_id
        )
        workflow_id = build_sub_task_workflow_id(
            unit.workflow_id, self._step.step_id, attempt, part.sub_task_id
        )
        start = workflow.start_child_workflow(
            ForgeSubTaskWorkflow.run,
            SubTaskInput(
                unit=unit,
                repo_root=self._worktree.repo_root,
                commit=self._worktree.head,
                owner=self._worktree.owner,
                failure=failure,
                is_limited=self._budget.limits.is_set,
            ),
            id=workflow_id,
            task_timeout=TASK_TIMEOUT,
            cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
        )
        return await self._budget.execute_sub_task(workflow_id, start)


def _list_changes(results: tuple[SubTaskResult, ...]) -> tuple[FileChange, ...]:
    """List what the accepted attempts of sub-tasks changed; the same change of two is one."""
    accepted = (part.attempts[-1].changes for part in results if part.attempts)
    return tuple({change.path: change for changes in accepted for change in changes}.values())


def _list_untouched(results: tuple[SubTaskResult, ...]) -> tuple[Untouched, ...]:
    """List what the accepted attempts of sub-tasks left as it is."""
    accepted = (part.attempts[-1].untouched for part in results if part.attempts)
    return tuple(file for files in accepted for file in files)


def _find_fault(results: tuple[SubTaskResult, ...]) -> Fault | None:
    failed = [part for part in results if part.status != "success"]
    if not failed:
        return None
    message = "; ".join(f"sub-task {part.sub_task_id} failed: {part.error}" for part in failed)
    final = next((part.attempts[-1] for part in failed if is_final(part.attempts)), None)
    return Fault(message, final.error_type if final else None, terminal=final is not None)
