"""Ways to bring an attempt's files into the worktree."""

from dataclasses import dataclass, field, replace
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from forge_obs import LLMStats

    from forge_core.activities.context import assemble_context
    from forge_core.activities.files import write_output
    from forge_core.activities.llm import call_llm
    from forge_core.models.activity import (
        AssembleContextInput,
        CallLLMInput,
        RunOwner,
        WriteFilesInput,
        WriteFilesResult,
    )
    from forge_core.models.call.context import AssembledContext, ContextStats, ShownFile
    from forge_core.models.call.llm import NO_FILES, LLMResponse, Untouched, build_llm_stats
    from forge_core.models.changes import FileChange
    from forge_core.models.result import PhaseDurations, SubTaskResult
    from forge_core.models.unit import AttemptFailure, WorkUnit
    from forge_core.workflows.activity_calls import execute, execute_short
    from forge_core.workflows.budget import Budget, execute_call
    from forge_core.workflows.options import build_call_options, build_worktree_options
    from forge_core.workflows.transition import Fault, read_call_fault

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
    untouched: tuple[Untouched, ...] = ()
    """Files that need no change, and why."""
    response: LLMResponse | None = None
    """The answer, to be shown again if it is refused."""
    entry_ids: tuple[str, ...] = ()
    """Requests whose answers these are."""
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


class LLMProducer:
    """Produces files by one call of the unit's model."""

    def __init__(self, unit: WorkUnit, worktree: UnitWorktree, budget: Budget) -> None:
        self._unit = unit
        self._worktree = worktree
        self._budget = budget
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
            answer = await execute_call(
                self._budget,
                call_llm,
                CallLLMInput(
                    terms=self._unit.task.budget.terms,
                    context=context,
                    model=self._unit.model,
                    settings=self._unit.settings,
                    worktree=self._worktree.path,
                    head=self._worktree.head,
                    target_files=self._unit.task.target_files,
                    validation=self._unit.task.validation,
                    context_rounds=self._unit.task.context.context_rounds,
                ),
                build_call_options(self._worktree.owner.task_queue, self._unit.settings),
            )
        except ActivityError as error:
            fault = _read_fault(error)
            return replace(base, fault=fault, llm_stats=fault.llm_stats, model_ms=watch.lap())
        model_ms = watch.lap()
        entry_ids = (answer.entry_id,) if answer.entry_id is not None else ()
        written = await self._write(answer.response, answer.shown, entry_ids)
        return replace(
            base,
            paths=written.paths,
            changes=written.changes,
            untouched=answer.response.untouched,
            response=answer.response,
            entry_ids=entry_ids,
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
        if is_quick(self._context_ms):
            return await execute_short(assemble_context, work, worktree.owner)
        return await execute(
            assemble_context, work, build_worktree_options(worktree.owner.task_queue)
        )

    async def _write(
        self,
        answer: LLMResponse,
        shown: tuple[ShownFile, ...] | None,
        entry_ids: tuple[str, ...],
    ) -> WriteFilesResult:
        if not answer.changes_files:
            return WriteFilesResult(error=None if answer.untouched else NO_FILES)
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
                shown=shown,
                entry_ids=entry_ids,
            ),
            self._worktree.owner,
        )


def is_quick(last_ms: float) -> bool:
    """Return whether what took so long the last time may hold up the workflow; 0 says nothing."""
    return 0.0 < last_ms < QUICK_MS


def _read_fault(error: FailureError) -> Fault:
    """Read a failed activity as the attempt's fault, or pass on what is not."""
    fault = read_call_fault(error)
    if fault is None:
        raise error
    return fault


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
