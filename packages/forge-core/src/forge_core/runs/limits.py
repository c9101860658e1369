"""The limits of a run: whether they can be kept, and new ones for a run that has reached them.

See D74.
"""

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from datetime import timedelta

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from forge_core.errors import RunOwned, UsageError
from forge_core.llm.model_name import SCRIPTED, split_model
from forge_core.models.budget import BudgetStop, Limits, LimitsChange, PriceTerms
from forge_core.models.result import TaskResult
from forge_core.models.task import ForgeTaskInput
from forge_core.pricing.quote import is_priced
from forge_core.runs.ownership import owned_run
from forge_core.state_dir.files import StateFiles
from forge_core.temporal_client.executions import server_request
from forge_core.temporal_client.inspector import RunDescription, RunInspector
from forge_core.workflows.budget import NOTE_REST, SET_LIMITS
from forge_core.workflows.task import ForgeTaskWorkflow

QUERY_TIMEOUT = timedelta(seconds=5)
"""Time that a worker gets to tell what a run has made."""

LEAVE_TIMEOUT_S = 10.0
"""Seconds within which a process ends whose run has stopped."""

LEAVE_INTERVAL_S = 0.1


def check_prices(models: Iterable[str], limits: Limits, terms: PriceTerms) -> None:
    """Check that a limit of cost can be kept.

    Raises:
        UsageError: The price of a model is not known, and nothing is said of that.
    """
    if limits.max_cost_usd is None or terms.assumed_price or terms.allow_unknown_prices:
        return
    for model in models:
        if split_model(model)[0] != SCRIPTED and not is_priced(model):
            raise UsageError(
                f"the price of model {model!r} is not known, which a limit of cost needs: give "
                "--assume-price IN,OUT in US dollars per million tokens (0,0 if it is free), or "
                "--allow-unknown-prices, or limit --max-total-tokens instead"
            )


def list_models(work: ForgeTaskInput) -> list[str]:
    """List the models that a run asks."""
    return [work.model, work.planner_model] if work.plan else [work.model]


def check_new_limits(run: RunDescription, limits: Limits) -> None:
    """Check that a run can go on with new limits.

    Raises:
        UsageError: It has spent as much already, or the price of a model is not known.
    """
    check_prices(list_models(run.work), limits, run.work.task.budget.terms)
    if run.stop is not None and not run.stop.allows(limits):
        raise UsageError(f"run {run.handle.id} cannot go on with that: {describe_stop(run.stop)}")


def describe_stop(stop: BudgetStop) -> str:
    """Say why a run has stopped, in one line."""
    spent, limits, coming = stop.spent, stop.limits, stop.next_request
    if stop.limit == "max_duration_s":
        return f"it has taken {stop.elapsed_s:.1f} of {limits.max_duration_s or 0:g} s"
    if stop.limit == "max_total_tokens":
        text = f"it has taken {spent.tokens:,} of {limits.max_total_tokens or 0:,} tokens"
        more = f"{coming.tokens:,} tokens"
    else:
        text = f"it has spent ${spent.cost_usd:.4f} of ${limits.max_cost_usd or 0:.4f}"
        more = f"${coming.cost_usd:.4f}"
    return f"{text}, and the next prompt takes about {more}" if coming.requests else text


async def send_limits(run: RunDescription, limits: Limits) -> None:
    """Give a run new limits.

    Raises:
        ServerUnavailable: The server does not take them.
    """
    change = LimitsChange(change_id=secrets.token_hex(8), limits=limits)
    with server_request("take the new limits"):
        await run.handle.signal(SET_LIMITS, change)


async def note_rest(inspector: RunInspector, run: RunDescription) -> None:
    """Tell a run since when nobody has executed it, so that it does not count that time.

    Raises:
        ServerUnavailable: The server does not answer.
    """
    since = await inspector.find_last_sign(run.handle.id)
    if since is not None and run.stop is None:
        with server_request("take word of the interruption"):
            await run.handle.signal(NOTE_REST, since)


async def read_partial_result(run: RunDescription, stop: BudgetStop) -> TaskResult:
    """Return what a run that has stopped has made, as far as a worker is there to tell."""
    with suppress(RPCError, WorkflowQueryFailedError):
        return await run.handle.query(ForgeTaskWorkflow.result, rpc_timeout=QUERY_TIMEOUT)
    return build_stopped_result(run, stop)


def build_stopped_result(run: RunDescription, stop: BudgetStop) -> TaskResult:
    """Return what is known of a run that has stopped where nobody tells what it has made."""
    return TaskResult(
        task_id=run.work.task.task_id,
        status="budget",
        elapsed_s=stop.elapsed_s,
        spent=stop.spent,
        limits=stop.limits,
        budget_stop=stop,
    )


async def own_stopped_run(files: StateFiles, run: RunDescription, stack: ExitStack) -> None:
    """Own a run until the stack ends; the process of one that has stopped is about to leave it.

    Raises:
        RunOwned: Another living process executes it.
    """
    for _ in range(int(LEAVE_TIMEOUT_S / LEAVE_INTERVAL_S) if run.stop is not None else 0):
        with suppress(RunOwned):
            stack.enter_context(owned_run(files, run.handle.id))
            return
        await asyncio.sleep(LEAVE_INTERVAL_S)
    stack.enter_context(owned_run(files, run.handle.id))
