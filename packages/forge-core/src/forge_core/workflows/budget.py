"""What a run's calls are paid from, and the wait for a new limit where that is used up.

The root workflow has the budget of the whole run. A sub-task asks it before each call what is
left. Without limits nobody asks anybody, and a history has nothing of all this.

See D74.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from forge_core.errors import LimitReached
    from forge_core.models.activity import CallLLMInput, CallPlannerInput
    from forge_core.models.budget import (
        NONE_SPENT,
        Allowance,
        AllowanceRequest,
        BudgetStop,
        CallStop,
        Grant,
        LimitName,
        Limits,
        LimitsChange,
        Spending,
        compute_allowance,
    )
    from forge_core.models.call.llm import LLMCallResult, PlanCallResult
    from forge_core.models.result import SubTaskResult
    from forge_core.workflows.activity_calls import execute
    from forge_core.workflows.transition import find_cause

SET_LIMITS = "set_limits"
"""Signal by which a user gives a run new limits."""

NOTE_REST = "note_rest"
"""Signal by which whoever resumes a run says since when nobody had executed it."""

REQUEST_ALLOWANCE = "request_allowance"
"""Signal by which a sub-task asks what is left."""

GRANT_ALLOWANCE = "grant_allowance"
"""Signal by which it is told."""

ReportStop = Callable[[BudgetStop | None], Awaitable[None]]
"""Puts on record that a run has stopped; None once it goes on."""


Work = TypeVar("Work", CallLLMInput, CallPlannerInput)
Result = TypeVar("Result", LLMCallResult, PlanCallResult)


class Budget(Protocol):
    """What the calls of a workflow are paid from."""

    async def request(self, next_request: Spending) -> Allowance | None:
        """Return what is left, once it suffices; None without a limit.

        Args:
            next_request: What the next request takes at least, as far as that is known.
        """

    def settle(self, before: Spending, after: Spending) -> None:
        """Count what a call has spent.

        Args:
            before: What was counted of it already.
            after: All that it has spent.
        """


async def execute_call(
    budget: Budget,
    activity: Callable[[Work], Awaitable[Result]],
    work: Work,
    options: ActivityConfig,
) -> Result:
    """Execute a call of a model; one that the budget stops goes on when there is a new limit.

    Raises:
        ActivityError: The call failed.
        CancelledError: The run was cancelled.
    """
    stop: CallStop | None = None
    counted = NONE_SPENT
    while True:
        allowance = await budget.request(stop.next_request if stop else NONE_SPENT)
        terms = {"allowance": allowance, "stop": stop}
        try:
            result = await execute(activity, work.model_copy(update=terms), options)
        except ActivityError as error:
            spent = read_spending(error)
            budget.settle(counted, spent)
            stop, counted = read_stop(error), spent
            if stop is None:
                raise
        else:
            budget.settle(counted, result.spent)
            return result


class SubTaskBudget:
    """The part of a sub-task in its run's budget."""

    def __init__(self) -> None:
        self._asked = 0
        self._granted = -1
        self._is_limited = False
        self._allowance: Allowance | None = None
        self.spent = NONE_SPENT

    def begin(self, *, is_limited: bool) -> None:
        """Begin with what is known when the sub-task starts."""
        self._is_limited |= is_limited

    def receive(self, grant: Grant) -> None:
        """Take what the run says is left."""
        self._is_limited = True
        self._granted = max(self._granted, grant.number)
        self._allowance = grant.allowance

    async def request(self, next_request: Spending) -> Allowance | None:
        """Ask the run what is left."""
        parent = workflow.info().parent
        if not self._is_limited or parent is None:
            return None
        self._asked += 1
        run = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
        question = AllowanceRequest(
            workflow_id=workflow.info().workflow_id,
            number=self._asked,
            spent=self.spent,
            next_request=next_request,
        )
        await run.signal(REQUEST_ALLOWANCE, question)
        await workflow.wait_condition(lambda: self._granted >= self._asked)
        return self._allowance

    def settle(self, before: Spending, after: Spending) -> None:
        """Count what a call has spent."""
        self.spent += after - before


class RunBudget:
    """The budget of a run: its limits, what it has spent, and who waits for more.

    Args:
        report: Puts on record that the run has stopped, and that it goes on.
    """

    def __init__(self, report: ReportStop) -> None:
        self._report = report
        self._reporting = asyncio.Lock()
        self._limits = Limits()
        self._own = NONE_SPENT
        self._sub_tasks: dict[str, Spending] = {}
        self._open: dict[str, workflow.ChildWorkflowHandle[Any, Any] | None] = {}
        self._questions: dict[str, AllowanceRequest] = {}
        self._changes: set[str] = set()
        self._waiting: list[int] = []
        self._stops = 0
        self._stop: BudgetStop | None = None
        self._began = workflow.info().start_time
        self._stopped_at: datetime | None = None
        self._rested = timedelta()

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._limits

    @property
    def spent(self) -> Spending:
        """All that the run has spent, as far as its sub-tasks have told."""
        return sum(self._sub_tasks.values(), self._own)

    @property
    def elapsed_s(self) -> float:
        """Seconds that the run was executed."""
        now = self._stopped_at or workflow.now()
        return max(0.0, (now - self._began - self._rested).total_seconds())

    def begin(self, limits: Limits) -> None:
        """Begin with the limits that the run was started with; newer ones may be there already."""
        self._limits = limits.replace(self._limits)

    def change_limits(self, change: LimitsChange) -> None:
        """Let new limits count, once; a run that waits for them goes on if they suffice."""
        if change.change_id in self._changes:
            return
        self._changes.add(change.change_id)
        self._limits = self._limits.replace(change.limits)
        if self._stopped_at is not None:
            self._rested += workflow.now() - self._stopped_at
            self._stopped_at = None

    async def tell_sub_tasks(self) -> None:
        """Tell the sub-tasks under way of limits that they may not know of."""
        grant = Grant(number=0, allowance=self._compute_allowance())
        for child in filter(None, tuple(self._open.values())):
            await child.signal(GRANT_ALLOWANCE, grant)

    def note_rest(self, since: datetime) -> None:
        """Leave out the time for which nobody executed the run."""
        if self._stopped_at is None:
            began = max(since, self._began)
            self._rested += max(timedelta(), workflow.now() - began)

    def settle(self, before: Spending, after: Spending) -> None:
        """Count what a call of the run's own workflow has spent."""
        self._own += after - before

    def settle_sub_task(self, workflow_id: str, spent: Spending) -> None:
        """Count what a sub-task has spent in all."""
        self._sub_tasks[workflow_id] = spent

    def receive(self, question: AllowanceRequest) -> None:
        """Take the question of a sub-task."""
        self._questions[question.workflow_id] = question
        self.settle_sub_task(question.workflow_id, question.spent)

    async def execute_sub_task(
        self, workflow_id: str, start: Awaitable["workflow.ChildWorkflowHandle[Any, SubTaskResult]"]
    ) -> SubTaskResult:
        """Wait for a sub-task that is about to be started, answering its questions.

        Args:
            workflow_id: The sub-task's.
            start: Starts it.
        """
        self._open[workflow_id] = None
        server = None
        try:
            child = self._open[workflow_id] = await start
            server = asyncio.create_task(self._serve(child))
            result = await child
        finally:
            if server is not None:
                server.cancel()
            del self._open[workflow_id]
        self.settle_sub_task(workflow_id, result.spent)
        return result

    async def request(self, next_request: Spending) -> Allowance | None:
        """Return what is left, once it suffices; None without a limit."""
        while (
            limit := self._compute_allowance().find_limit(next_request=next_request)
        ) is not None:
            await self._wait(limit, next_request)
        if self._stop is not None:
            await self._go_on()
        return self._compute_allowance() if self._limits.is_set else None

    async def _serve(self, child: "workflow.ChildWorkflowHandle[Any, Any]") -> None:
        while True:
            await workflow.wait_condition(lambda: child.id in self._questions)
            question = self._questions.pop(child.id)
            allowance = await self.request(question.next_request)
            await child.signal(GRANT_ALLOWANCE, Grant(number=question.number, allowance=allowance))

    def _compute_allowance(self) -> Allowance:
        return compute_allowance(self._limits, self.spent, self.elapsed_s)

    async def _wait(self, limit: LimitName, next_request: Spending) -> None:
        """Wait for new limits; whoever sees that all wait says that the run has stopped."""
        revision = len(self._changes)
        self._waiting.append(revision)
        try:
            while len(self._changes) == revision:
                await workflow.wait_condition(
                    lambda: len(self._changes) != revision or self._is_idle()
                )
                if self._is_idle():  # another one may have said so since
                    await self._halt(limit, next_request)
        finally:
            self._waiting.remove(revision)

    def _is_idle(self) -> bool:
        """Return whether everybody waits for new limits, and nobody has said so yet."""
        waiting = sum(revision == len(self._changes) for revision in self._waiting)
        return self._stopped_at is None and waiting >= max(1, len(self._open))

    async def _halt(self, limit: LimitName, next_request: Spending) -> None:
        self._stopped_at = workflow.now()
        self._stops += 1
        stop = BudgetStop(
            number=self._stops,
            limit=limit,
            limits=self._limits,
            spent=self.spent,
            elapsed_s=self.elapsed_s,
            next_request=next_request,
        )
        async with self._reporting:
            if self._stopped_at is not None:
                self._stop = stop
                await self._report(stop)

    async def _go_on(self) -> None:
        async with self._reporting:
            if self._stop is not None and self._stopped_at is None:
                self._stop = None
                await self._report(None)


def read_spending(error: FailureError) -> Spending:
    """Read what a failed call has spent; nothing where an older Forge did not say."""
    stop = read_stop(error)
    if stop is not None:
        return stop.spent
    cause = find_cause(error)
    details = cause.details if isinstance(cause, ApplicationError) else ()
    return Spending.model_validate(details[1]) if len(details) > 1 else NONE_SPENT


def read_stop(error: FailureError) -> CallStop | None:
    """Read where the budget stopped a call; None where something else did."""
    cause = find_cause(error)
    if not isinstance(cause, ApplicationError) or cause.type != LimitReached.__name__:
        return None
    return CallStop.model_validate(cause.details[0])
