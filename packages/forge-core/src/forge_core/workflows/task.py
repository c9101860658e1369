"""The root workflow: claims the task, plans it if asked, runs its steps, keeps the record."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NoReturn

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from forge_core.activities.context import assemble_planner_context
    from forge_core.activities.git import create_worktree
    from forge_core.activities.llm import call_planner
    from forge_core.activities.runs import RunActivities
    from forge_core.models.activity import (
        AssemblePlannerInput,
        CallPlannerInput,
        CreateWorktreeInput,
        RecordRunInput,
        RunOwner,
    )
    from forge_core.models.budget import BUDGET_STOP, AllowanceRequest, BudgetStop, LimitsChange
    from forge_core.models.call.llm import build_llm_stats
    from forge_core.models.plan import Plan, PlanStep
    from forge_core.models.result import (
        OPEN_STATUSES,
        AttemptResult,
        RunStatus,
        StepResult,
        SubTaskResult,
        TaskResult,
    )
    from forge_core.models.task import ForgeTaskInput
    from forge_core.models.unit import WorkUnit, build_step_unit, build_task_unit
    from forge_core.workflows.activity_calls import (
        FAILURES,
        execute,
        finish_short,
        stop_if_cancelled,
    )
    from forge_core.workflows.base_tests import describe_base_failure, run_base_tests
    from forge_core.workflows.budget import (
        NOTE_REST,
        REQUEST_ALLOWANCE,
        SET_LIMITS,
        RunBudget,
        execute_call,
    )
    from forge_core.workflows.fan_out import FanOutProducer
    from forge_core.workflows.options import build_call_options, build_worktree_options
    from forge_core.workflows.producer import LLMProducer, UnitWorktree
    from forge_core.workflows.transition import read_call_fault
    from forge_core.workflows.unit import Outcome, ReportAttempts, UnitRun, merge_output_files


@workflow.defn(failure_exception_types=FAILURES)
class ForgeTaskWorkflow:
    """One run of a task."""

    def __init__(self) -> None:
        self._work: ForgeTaskInput
        self._result: TaskResult
        self._owner = RunOwner(task_queue=workflow.info().task_queue)
        self._budget = RunBudget(self._report_stop)

    @workflow.signal(name=SET_LIMITS)
    async def set_limits(self, change: LimitsChange) -> None:
        """Let new limits count; a run that waits for them goes on."""
        self._budget.change_limits(change)
        await self._budget.tell_sub_tasks()

    @workflow.signal(name=NOTE_REST)
    def note_rest(self, since: datetime) -> None:
        """Leave out the time for which nobody executed the run."""
        self._budget.note_rest(since)

    @workflow.signal(name=REQUEST_ALLOWANCE)
    def request_allowance(self, question: AllowanceRequest) -> None:
        """Take a sub-task's question what is left."""
        self._budget.receive(question)

    @workflow.query
    def result(self) -> TaskResult:
        """Return what the run has done so far."""
        return self._result

    @workflow.run
    async def run(self, work: ForgeTaskInput) -> TaskResult:
        """Run the task and return its result, also when the task failed.

        Raises:
            ApplicationError: The run could not be carried out; `type` names the reason.
        """
        self._work = work
        self._result = TaskResult(task_id=work.task.task_id, status="running")
        self._budget.begin(work.task.budget.limits)
        try:
            await self._begin()
            worktree = await self._create_worktree()
            if await self._may_begin(worktree):
                await (self._run_plan(worktree) if work.plan else self._run_single(worktree))
        except FailureError as error:
            await self._end_abnormally(error)
        except asyncio.CancelledError:
            await self._update("cancelled", status="cancelled", error="cancelled")
            raise
        except FAILURES as error:
            reason = f"internal error: {type(error).__name__}: {error}"
            await self._update("error", status="failure_terminal", error=reason)
            raise ApplicationError(reason, type="InternalError", non_retryable=True) from error
        await self._update(self._result.status)
        return self._result

    async def _begin(self) -> None:
        self._owner = await workflow.execute_activity_method(
            RunActivities.begin_run,
            self._snapshot("running"),
            **build_worktree_options(self._owner.task_queue),
        )
        stop_if_cancelled()

    async def _create_worktree(self) -> UnitWorktree:
        work = self._work
        workspace = await execute(
            create_worktree,
            CreateWorktreeInput(
                repo_root=work.repo_root,
                task_id=work.task.task_id,
                workflow_id=workflow.info().workflow_id,
                base_commit=work.base_commit,
                submodules=work.task.validation.runs_commands,
            ),
            build_worktree_options(self._owner.task_queue),
        )
        self._change(worktree_path=workspace.path, worktree_branch=workspace.branch)
        return UnitWorktree(work.repo_root, workspace.path, workspace.head, self._owner)

    async def _may_begin(self, worktree: UnitWorktree) -> bool:
        """Return whether the tests pass before anything is changed, where that is asked for."""
        rules = self._work.task.validation
        if not (rules.test_base and rules.run_tests):
            return True
        verdict = await run_base_tests(self._work.task, workflow.info().workflow_id, worktree)
        if verdict is not None:
            error = describe_base_failure(verdict)
            self._change(status="failure_terminal", validation_results=(verdict,), error=error)
        return verdict is None

    async def _run_single(self, worktree: UnitWorktree) -> None:
        unit = build_task_unit(self._work, workflow.info().workflow_id)

        async def report(attempts: tuple[AttemptResult, ...], _: tuple[SubTaskResult, ...]) -> None:
            """Put the attempts so far on record."""
            await self._report(attempts=attempts)

        producer = LLMProducer(unit, worktree, self._budget)
        outcome = await UnitRun(unit, worktree, producer, report=report, commit_failing=True).run()
        self._change(
            status=outcome.status,
            output_files=outcome.output_files,
            validation_results=outcome.validation_results,
            error=outcome.error,
            llm_stats=outcome.llm_stats,
            context_stats=outcome.context_stats,
            attempts=outcome.attempts,
        )

    async def _run_plan(self, worktree: UnitWorktree) -> None:
        plan = await self._make_plan(worktree)
        if plan is None:
            return
        done: list[StepResult] = []
        for step in plan.steps:
            outcome = await self._run_step(plan, step, worktree, tuple(done))
            done.append(_step_result(step, outcome))
            self._change(
                step_results=tuple(done),
                validation_results=outcome.validation_results,
                output_files=merge_output_files(self._result.output_files, outcome),
            )
            if outcome.status != "success":
                self._change(status=outcome.status, error=f"step {step.step_id}: {outcome.error}")
                return
            worktree = replace(worktree, head=outcome.head, last=outcome.attempts[-1].duration_ms)
        self._change(status="success")

    async def _make_plan(self, worktree: UnitWorktree) -> Plan | None:
        local = build_worktree_options(self._owner.task_queue)
        try:
            context = await execute(
                assemble_planner_context,
                AssemblePlannerInput(
                    task=self._work.task,
                    workflow_id=workflow.info().workflow_id,
                    worktree=worktree.path,
                    base_commit=self._work.base_commit,
                    chars_per_token=self._work.planner_chars_per_token,
                    max_output_tokens=self._work.planner_settings.max_output_tokens,
                ),
                local,
            )
            self._change(context_stats=context.context_stats)
            answer = await execute_call(
                self._budget,
                call_planner,
                CallPlannerInput(
                    terms=self._work.task.budget.terms,
                    context=context,
                    planner_model=self._work.planner_model,
                    settings=self._work.planner_settings,
                    target_files=self._work.task.target_files,
                    validation=self._work.task.validation,
                    worktree=worktree.path,
                    head=worktree.head,
                    context_rounds=self._work.task.context.context_rounds,
                ),
                build_call_options(self._owner.task_queue, self._work.planner_settings),
            )
        except ActivityError as error:
            fault = read_call_fault(error)
            if fault is None:
                raise
            self._change(status="failure_terminal", error=f"planner: {fault.message}")
            return None
        await self._report(plan=answer.plan, planner_stats=build_llm_stats(answer))
        return answer.plan

    async def _run_step(
        self, plan: Plan, step: PlanStep, worktree: UnitWorktree, done: tuple[StepResult, ...]
    ) -> Outcome:
        unit = build_step_unit(self._work, workflow.info().workflow_id, plan, step)

        async def report(
            attempts: tuple[AttemptResult, ...], parts: tuple[SubTaskResult, ...]
        ) -> None:
            """Put the attempts so far on record."""
            current = StepResult(
                step_id=step.step_id,
                status="running",
                attempts=attempts,
                sub_task_results=parts,
            )
            await self._report(step_results=(*done, current))

        if not step.sub_tasks:
            producer = LLMProducer(unit, worktree, self._budget)
            return await UnitRun(unit, worktree, producer, report=report).run()
        return await self._fan_out(unit, step, worktree, report)

    async def _fan_out(
        self, unit: WorkUnit, step: PlanStep, worktree: UnitWorktree, report: ReportAttempts
    ) -> Outcome:
        producer = FanOutProducer(self._work, unit, step, worktree, self._budget)
        try:
            return await UnitRun(unit, worktree, producer, report=report).run()
        finally:
            await producer.clean_up()

    async def _end_abnormally(self, error: FailureError) -> NoReturn:
        if is_cancelled_exception(error):
            await self._update("cancelled", status="cancelled", error="cancelled")
            raise error
        reason = _find_reason(error)
        await self._update("error", status="failure_terminal", error=reason.message)
        raise ApplicationError(
            reason.message,
            type=reason.type if isinstance(reason, ApplicationError) else type(reason).__name__,
            non_retryable=True,
        ) from error

    def _change(self, **changes: Any) -> None:  # noqa: ANN401
        self._result = self._result.model_copy(update=changes)

    async def _report(self, **changes: Any) -> None:  # noqa: ANN401
        """Record how far the run has come."""
        await self._update("running", **changes)
        stop_if_cancelled()

    async def _report_stop(self, stop: BudgetStop | None) -> None:
        """Record that the run waits for a new limit, or that it goes on, and tell the server."""
        status: Literal["running", "budget"] = "running" if stop is None else "budget"
        await self._update(status, status=status, budget_stop=stop)
        workflow.upsert_memo({BUDGET_STOP: stop and stop.model_dump(mode="json")})

    async def _update(self, run_status: RunStatus, **changes: Any) -> None:  # noqa: ANN401
        budget = self._budget
        figures = {"spent": budget.spent, "limits": budget.limits, "elapsed_s": budget.elapsed_s}
        if run_status not in OPEN_STATUSES:
            figures["budget_stop"] = None
        self._change(**figures, **changes)
        await finish_short(RunActivities.record_run, self._snapshot(run_status), self._owner)

    def _snapshot(self, run_status: RunStatus) -> RecordRunInput:
        info = workflow.info()
        return RecordRunInput(
            work=self._work,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            status=run_status,
            result=self._result,
        )


def _find_reason(error: FailureError) -> FailureError:
    reason: FailureError = error
    while isinstance(reason, ActivityError | ChildWorkflowError) and isinstance(
        reason.cause, FailureError
    ):
        reason = reason.cause
    return reason


def _step_result(step: PlanStep, outcome: Outcome) -> StepResult:
    return StepResult(
        step_id=step.step_id,
        status=outcome.status,
        output_files=outcome.output_files,
        validation_results=outcome.validation_results,
        commit_sha=outcome.commit_sha,
        error=outcome.error,
        sub_task_results=outcome.sub_task_results,
        llm_stats=outcome.llm_stats,
        attempts=outcome.attempts,
    )
