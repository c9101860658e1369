"""The universal step: attempts at a unit of work until one is accepted or all are used up."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from forge_obs import LLMStats

    from forge_core.activities.files import validate_output
    from forge_core.activities.git import commit_attempt, reset_worktree_to
    from forge_core.models.activity import (
        CommitInput,
        CommitResult,
        KeptCommit,
        ResetWorktreeInput,
        ValidateInput,
    )
    from forge_core.models.call.context import ContextStats
    from forge_core.models.result import (
        AttemptResult,
        PhaseDurations,
        SubTaskResult,
        TransitionSignal,
        UnitStatus,
        ValidationResult,
    )
    from forge_core.models.unit import AttemptFailure, WorkUnit
    from forge_core.workflows.activity_calls import execute, execute_short
    from forge_core.workflows.options import build_validation_options, build_worktree_options
    from forge_core.workflows.producer import Producer, Product, Stopwatch, UnitWorktree, is_quick
    from forge_core.workflows.transition import (
        build_attempt_failure,
        build_commit_subject,
        describe_failure,
        evaluate_transition,
        find_error_type,
    )

ReportAttempts = Callable[[tuple[AttemptResult, ...], tuple[SubTaskResult, ...]], Awaitable[None]]
"""Called after each attempt with all attempts so far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit."""

    status: UnitStatus
    head: str
    """Where the branch stands."""
    attempts: tuple[AttemptResult, ...]
    validation_results: tuple[ValidationResult, ...] = ()
    commit_sha: str | None = None
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers the last attempt's files are of."""
    output_files: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    llm_stats: LLMStats | None = None
    context_stats: ContextStats | None = None
    sub_task_results: tuple[SubTaskResult, ...] = ()


def merge_output_files(before: Mapping[str, str], outcome: Outcome) -> dict[str, str]:
    """Add what a unit left on the branch to what earlier ones did; files that it removed go."""
    touched = outcome.attempts[-1].files if outcome.commit_sha and outcome.attempts else ()
    kept = {path: blob for path, blob in before.items() if path not in touched}
    return {**kept, **outcome.output_files}


class UnitRun:
    """The attempts at one unit, each validated and the accepted one committed."""

    def __init__(
        self,
        unit: WorkUnit,
        worktree: UnitWorktree,
        producer: Producer,
        *,
        report: ReportAttempts | None = None,
        commit_failing: bool = False,
    ) -> None:
        """Prepare to run a unit.

        Args:
            unit: What is to be produced.
            worktree: Where.
            producer: How an attempt's files come into the worktree.
            report: Called after each attempt.
            commit_failing: Commit the last attempt even if it failed.
        """
        self._unit = unit
        self._worktree = worktree
        self._producer = producer
        self._report = report
        self._commit_failing = commit_failing
        self._attempts: list[AttemptResult] = []
        self._llm_stats: LLMStats | None = None
        self._validation_ms = worktree.last.validation

    async def run(self, failure: AttemptFailure | None = None) -> Outcome:
        """Make attempts until one is accepted, none can help or all are used up."""
        for attempt in range(1, self._unit.max_attempts + 1):
            outcome, failure = await self._attempt(attempt, failure)
            if self._report is not None:
                await self._report(outcome.attempts, outcome.sub_task_results)
            if outcome.attempts[-1].signal != "failure_retryable":
                return outcome
            await self._reset()
        raise AssertionError("the last attempt cannot be retryable")

    async def _attempt(
        self, attempt: int, previous: AttemptFailure | None
    ) -> tuple[Outcome, AttemptFailure | None]:
        started_at = workflow.now()
        product = await self._producer.produce(attempt, previous)
        self._llm_stats = product.llm_stats or self._llm_stats
        watch = Stopwatch()
        results = await self._validate(attempt, product)
        self._validation_ms = validation_ms = watch.lap()
        last = self._unit.max_attempts
        signal = evaluate_transition(results, product.fault, attempt, last, previous)
        commit = await self._commit_if_due(attempt, signal, product)
        self._attempts.append(
            AttemptResult(
                attempt=attempt,
                signal=signal,
                llm_stats=product.llm_stats,
                context_stats=product.context_stats,
                validation_results=results,
                files=product.paths,
                changes=product.changes,
                untouched=product.untouched,
                commit_sha=commit.commit_sha if commit else None,
                error=describe_failure(results, product.fault),
                error_type=find_error_type(results, product.fault),
                started_at=started_at,
                duration_ms=PhaseDurations(
                    context=product.context_ms,
                    model=product.model_ms,
                    write=product.write_ms,
                    validation=validation_ms,
                    git=watch.lap(),
                ),
            )
        )
        failure = build_attempt_failure(attempt, results, product.fault, product.response)
        return self._outcome(signal, product, commit), failure

    def _outcome(
        self, signal: TransitionSignal, product: Product, commit: CommitResult | None
    ) -> Outcome:
        last = self._attempts[-1]
        return Outcome(
            status="success" if signal == "success" else "failure_terminal",
            head=commit.head if commit else self._worktree.head,
            attempts=tuple(self._attempts),
            validation_results=last.validation_results,
            commit_sha=last.commit_sha,
            entry_ids=product.entry_ids,
            output_files=commit.output_files if commit else {},
            error=last.error,
            llm_stats=self._llm_stats,
            context_stats=product.context_stats,
            sub_task_results=product.sub_task_results,
        )

    async def _validate(self, attempt: int, product: Product) -> tuple[ValidationResult, ...]:
        if product.fault is not None:
            return ()
        config = self._unit.validation
        work = ValidateInput(
            workflow_id=self._unit.workflow_id,
            worktree=self._worktree.path,
            head=self._worktree.head,
            paths=product.paths,
            changes=product.changes,
            config=config,
            task_id=self._unit.task.task_id,
            step_id=self._unit.step_id,
            sub_task_id=self._unit.sub_task_id,
            attempt=attempt,
            target_files=self._unit.judged_targets,
            untouched=product.untouched,
            entry_ids=product.entry_ids,
            task=f"{self._unit.description}\n{self._unit.task.description}",
        )
        owner = self._worktree.owner
        if is_quick(self._validation_ms) and not config.runs_commands:
            verdicts = await execute_short(validate_output, work, owner)
        else:
            options = build_validation_options(owner.task_queue, config.longest_s)
            verdicts = await execute(validate_output, work, options)
        return verdicts.results

    async def _commit_if_due(
        self, attempt: int, signal: TransitionSignal, product: Product
    ) -> CommitResult | None:
        failing = signal == "failure_terminal" and self._commit_failing and product.paths
        if signal != "success" and not failing:
            return None
        unit = self._unit
        kept = None
        if unit.sub_task_id is not None and unit.step_attempt is not None:
            kept = KeptCommit(
                repo_root=self._worktree.repo_root,
                step_attempt=unit.step_attempt,
                sub_task_id=unit.sub_task_id,
            )
        return await execute_short(
            commit_attempt,
            CommitInput(
                worktree=self._worktree.path,
                paths=product.paths,
                parent=self._worktree.head,
                subject=build_commit_subject(unit.label, unit.description, signal),
                workflow_id=unit.workflow_id,
                step_id=unit.step_id,
                attempt=attempt,
                kept=kept,
                failed=signal != "success",
                entry_ids=product.entry_ids,
            ),
            self._worktree.owner,
        )

    async def _reset(self) -> None:
        await execute(
            reset_worktree_to,
            ResetWorktreeInput(
                workflow_id=self._unit.workflow_id,
                path=self._worktree.path,
                commit=self._worktree.head,
            ),
            build_worktree_options(self._worktree.owner.task_queue),
        )
