"""The universal step: attempts at a unit of work until one is accepted or all are used up."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from forge_obs import LLMStats

    from forge_core.activities.context import assemble_context
    from forge_core.activities.files import validate_output, write_output
    from forge_core.activities.git import commit_attempt, reset_worktree_to
    from forge_core.activities.llm import call_llm
    from forge_core.models.activity import (
        AssembleContextInput,
        CallLLMInput,
        CommitInput,
        CommitResult,
        KeptCommit,
        ResetWorktreeInput,
        RunOwner,
        ValidateInput,
        WriteFilesInput,
        WriteFilesResult,
    )
    from forge_core.models.changes import FileChange
    from forge_core.models.context import AssembledContext, ContextStats
    from forge_core.models.llm import LLMResponse, build_llm_stats
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
    from forge_core.workflows.options import (
        build_call_options,
        build_validation_options,
        build_worktree_options,
    )
    from forge_core.workflows.transition import (
        Fault,
        build_attempt_failure,
        build_commit_subject,
        describe_failure,
        evaluate_transition,
        read_call_fault,
    )

ReportAttempts = Callable[[tuple[AttemptResult, ...], tuple[SubTaskResult, ...]], Awaitable[None]]
"""Called after each attempt with all attempts so far."""


QUICK_MS = 1000.0
"""What took longer, in milliseconds, is no short activity the next time."""


@dataclass(frozen=True, slots=True)
class UnitWorktree:
    """Where a unit is worked on, and what is known of it."""

    repo_root: str
    path: str
    head: str
    """Commit that an attempt starts from and its commit is put on."""
    owner: RunOwner
    """Who has the worktree."""
    last: PhaseDurations = field(default_factory=PhaseDurations)
    """How long the last attempt took here; zero for what it did not do."""


@dataclass(frozen=True, slots=True)
class Product:
    """What an attempt brought into the worktree, before it is validated."""

    paths: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()
    response: LLMResponse | None = None
    """The answer, to be shown again if it is refused."""
    fault: Fault | None = None
    llm_stats: LLMStats | None = None
    context_stats: ContextStats | None = None
    sub_task_results: tuple[SubTaskResult, ...] = ()
    context_ms: float = 0.0
    model_ms: float = 0.0
    write_ms: float = 0.0


class Producer(Protocol):
    """A way to bring files into the worktree: one model call, or sub-tasks."""

    async def produce(self, attempt: int, failure: AttemptFailure | None) -> Product:
        """Make one attempt, knowing what failed in the one before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit."""

    status: UnitStatus
    head: str
    """Where the branch stands."""
    attempts: tuple[AttemptResult, ...]
    validation_results: tuple[ValidationResult, ...] = ()
    commit_sha: str | None = None
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


class LLMProducer:
    """Produces files by one call of the unit's model."""

    def __init__(self, unit: WorkUnit, worktree: UnitWorktree) -> None:
        self._unit = unit
        self._worktree = worktree
        self._context_ms = worktree.last.context

    async def produce(self, attempt: int, failure: AttemptFailure | None) -> Product:
        """Assemble the prompt, call the model, write its files."""
        watch = Stopwatch()
        try:
            context = await self._assemble(attempt, failure)
        except FailureError as error:
            return Product(fault=_read_fault(error), context_ms=watch.lap())
        self._context_ms = watch.lap()
        base = Product(context_stats=context.context_stats, context_ms=self._context_ms)
        try:
            answer = await execute(
                call_llm,
                CallLLMInput(
                    context=context,
                    model=self._unit.model,
                    worktree=self._worktree.path,
                    head=self._worktree.head,
                ),
                build_call_options(self._worktree.owner.task_queue),
            )
        except ActivityError as error:
            fault = _read_fault(error)
            return replace(base, fault=fault, llm_stats=fault.llm_stats, model_ms=watch.lap())
        model_ms = watch.lap()
        written = await self._write(answer.response)
        return replace(
            base,
            paths=written.paths,
            changes=written.changes,
            response=answer.response,
            fault=Fault(written.error) if written.error else None,
            llm_stats=build_llm_stats(answer),
            model_ms=model_ms,
            write_ms=watch.lap(),
        )

    async def _assemble(self, attempt: int, failure: AttemptFailure | None) -> AssembledContext:
        worktree = self._worktree
        work = AssembleContextInput(
            unit=self._unit, worktree=worktree.path, attempt=attempt, failure=failure
        )
        if _is_quick(self._context_ms):
            return await execute_short(assemble_context, work, worktree.owner)
        return await execute(
            assemble_context, work, build_worktree_options(worktree.owner.task_queue)
        )

    async def _write(self, answer: LLMResponse) -> WriteFilesResult:
        if not (answer.files or answer.edits or answer.deletions or answer.renames):
            return WriteFilesResult(error="the answer holds no files")
        return await execute_short(
            write_output,
            WriteFilesInput(
                workflow_id=self._unit.workflow_id,
                worktree=self._worktree.path,
                head=self._worktree.head,
                files=answer.files,
                edits=answer.edits,
                deletions=answer.deletions,
                renames=answer.renames,
                target_files=self._unit.task.target_files,
                validation=self._unit.task.validation,
            ),
            self._worktree.owner,
        )


def _is_quick(last_ms: float) -> bool:
    """Return whether what took so long the last time may hold up the workflow; 0 says nothing."""
    return 0.0 < last_ms < QUICK_MS


def _read_fault(error: FailureError) -> Fault:
    """Read a failed activity as the attempt's fault, or pass on what is not."""
    fault = read_call_fault(error)
    if fault is None:
        raise error
    return fault


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
        signal = evaluate_transition(results, product.fault, attempt, self._unit.max_attempts)
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
                commit_sha=commit.commit_sha if commit else None,
                error=describe_failure(results, product.fault),
                error_type=product.fault.type if product.fault else None,
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
            output_files=commit.output_files if commit else {},
            error=last.error,
            llm_stats=self._llm_stats,
            context_stats=product.context_stats,
            sub_task_results=product.sub_task_results,
        )

    async def _validate(self, attempt: int, product: Product) -> tuple[ValidationResult, ...]:
        if product.fault is not None:
            return ()
        config = self._unit.task.validation
        work = ValidateInput(
            workflow_id=self._unit.workflow_id,
            worktree=self._worktree.path,
            paths=product.paths,
            config=config,
            task_id=self._unit.task.task_id,
            step_id=self._unit.step_id,
            sub_task_id=self._unit.sub_task_id,
            attempt=attempt,
        )
        owner = self._worktree.owner
        if _is_quick(self._validation_ms) and not config.run_tests:
            verdicts = await execute_short(validate_output, work, owner)
        else:
            options = build_validation_options(owner.task_queue, config.test_timeout_s)
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


class Stopwatch:
    """Measures phases by the workflow's own clock, so that a replay measures the same.

    That is the server's, which may be put back: nothing takes less than no time.
    """

    def __init__(self) -> None:
        self._since = workflow.now()

    def lap(self) -> float:
        """Return the milliseconds since the last lap."""
        now = workflow.now()
        elapsed = max(0.0, (now - self._since).total_seconds() * 1000)
        self._since = now
        return elapsed
