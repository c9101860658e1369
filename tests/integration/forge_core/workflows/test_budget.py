"""A run stops at its budget, waits for a new limit and pays for nothing twice."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from forge_core.errors import RunCancelled, UsageError
from forge_core.models.budget import BudgetConfig, BudgetStop, Limits, LimitsChange, Spending
from forge_core.models.result import TaskResult
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.limits import read_partial_result, send_limits
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.temporal_client.inspector import RunDescription, RunInspector
from forge_core.worker.worker import running_worker
from forge_core.workflows.budget import SET_LIMITS
from forge_obs import get_run, open_reader
from support.histories import replay_workflows, wait_for_stop
from support.live import follow_plan, list_units, name_unit
from support.llm_server import Exchange, Handler, LLMServer, Reply, error, text
from support.llm_wires import Usage
from support.repository import git
from support.temporal_server import unique_queue
from support.waiting import DEADLINE_S
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

MODEL = "openai-chat:gpt-4o"
"""A thousand tokens of input cost 0.0025 dollars, a thousand of output 0.01."""

USAGE = Usage(input_tokens=4000, output_tokens=1000)
PRICE = Decimal("0.02")
"""Of each request."""

ENOUGH = Limits(max_cost_usd=Decimal(5), max_total_tokens=10**6, max_duration_s=3600)


@dataclass(frozen=True, slots=True)
class Stage:
    """A run under way, and the model that it asks."""

    client: Client
    workflow_id: str
    server: LLMServer

    async def wait_for_stop(self, number: int = 1) -> tuple[RunDescription, BudgetStop]:
        """Wait until the run has stopped so many times."""
        run = await wait_for_stop(self.client, self.workflow_id, number)
        assert run.stop is not None
        return run, run.stop

    async def wait_for_end(self) -> TaskResult:
        """Wait for the result."""
        run = await RunInspector(self.client).find_run(self.workflow_id)
        assert run is not None
        async with asyncio.timeout(DEADLINE_S):
            return await wait_for_result(run.handle)

    @property
    def asked(self) -> list[str]:
        """The units that were asked for, in order."""
        return list_units(self.server.exchanges)

    @property
    def status(self) -> str:
        """The status on record."""
        engine = open_reader(os.environ["FORGE_DB_PATH"])
        assert engine is not None
        run = get_run(engine, self.workflow_id)
        assert run is not None
        return run.status


def costly(exchange: Exchange) -> Reply:
    """Answer for the plan of `support.live`, at the price of `PRICE`."""
    reply = follow_plan(exchange)
    assert reply.content is not None
    return Reply(content=reply.content, usage=USAGE)


@asynccontextmanager
async def staged(
    client: Client, repo: Path, handler: Handler, budget: BudgetConfig
) -> AsyncIterator[Stage]:
    """Start a planned run within a budget; replay its workflows when it has ended."""
    queue = unique_queue()
    with LLMServer(handler) as server, pytest.MonkeyPatch.context() as patch:
        server.configure(patch)
        task = TaskDefinition(task_id="t", description="Do it.", budget=budget)
        work = resolve_run(task, repo, RunSettings(MODEL, MODEL, plan=True))
        async with running_worker(client, queue):
            handle = await submit_run(client, work, f"forge-{queue}", queue)
            yield Stage(client, handle.id, server)
    await replay_workflows(client, queue)


async def test_run_stops_in_its_second_step_and_goes_on_with_a_new_limit(
    client: Client, repo: Path
) -> None:
    async with staged(client, repo, costly, BudgetConfig(max_cost_usd=0.045)) as stage:
        run, stop = await stage.wait_for_stop()
        partial = await read_partial_result(run, stop)
        between = stage.status, sorted(stage.asked)
        await send_limits(run, Limits(max_cost_usd=Decimal(5)))
        result = await stage.wait_for_end()

    assert between == ("budget", ["first", "p", "plan", "q"])
    assert (partial.status, [step.status for step in partial.step_results]) == (
        "budget",
        ["success", "success"],
    )
    assert (stop.limit, stop.spent.cost_usd, stop.spent.requests) == ("max_cost_usd", 4 * PRICE, 4)
    assert partial.budget_stop == stop
    assert (result.status, result.budget_stop) == ("success", None)
    assert sorted(stage.asked) == sorted(["plan", "first", "p", "q", "last"])
    assert result.spent == Spending(
        requests=5, input_tokens=20_000, output_tokens=5000, cost_usd=5 * PRICE
    )
    assert result.limits.max_cost_usd == 5
    assert stage.status == "success"
    assert len(git(repo, "log", "--format=%s", "main..forge/t").splitlines()) == 3


async def test_sub_tasks_that_stop_between_two_requests_go_on_with_the_second(
    client: Client, repo: Path
) -> None:
    refused: set[str] = set()

    def refuse_first(exchange: Exchange) -> Reply:
        unit = name_unit(exchange)
        if unit in {"p", "q"} and unit not in refused:
            refused.add(unit)
            return text("no JSON", usage=USAGE)
        return costly(exchange)

    async with staged(client, repo, refuse_first, BudgetConfig(max_cost_usd=0.06)) as stage:
        run, stop = await stage.wait_for_stop()
        between = list(stage.asked)
        await send_limits(run, Limits(max_cost_usd=4 * PRICE))
        _, again = await stage.wait_for_stop(2)
        still = list(stage.asked)
        await send_limits(run, ENOUGH)
        result = await stage.wait_for_end()

    assert sorted(between) == sorted(still) == sorted(["plan", "first", "p", "q"])
    assert stop.spent.cost_usd == again.spent.cost_usd == 4 * PRICE
    assert result.status == "success"
    assert sorted(stage.asked) == sorted(["plan", "first", "p", "q", "p", "q", "last"])
    assert result.spent.cost_usd == 7 * PRICE
    assert sum((p.spent for p in result.step_results[1].sub_task_results), Spending()) == Spending(
        requests=4, input_tokens=16_000, output_tokens=4000, cost_usd=4 * PRICE
    )


async def test_failures_count_that_a_provider_may_bill(client: Client, repo: Path) -> None:
    failures = iter([error(500, "api_error", "boom"), error(429, "rate_limit_error", "slow")])

    def fail_first(exchange: Exchange) -> Reply:
        return next(failures, None) or costly(exchange)

    async with staged(client, repo, fail_first, BudgetConfig(max_cost_usd=5)) as stage:
        result = await stage.wait_for_end()

    assert result.status == "success"
    assert stage.asked.count("plan") == 3
    assert (result.spent.requests, result.spent.estimated) == (6, 1)
    assert 5 * PRICE < result.spent.cost_usd < 5 * PRICE + Decimal("0.01")


async def test_stopped_run_is_cancelled(client: Client, repo: Path) -> None:
    async with staged(client, repo, costly, BudgetConfig(max_total_tokens=1)) as stage:
        run, stop = await stage.wait_for_stop()
        await run.handle.cancel()
        with pytest.raises(RunCancelled):
            await stage.wait_for_end()

    assert (stop.limit, stage.asked, stage.status) == ("max_total_tokens", [], "cancelled")


async def test_sub_tasks_of_a_stopped_run_are_cancelled_with_it(client: Client, repo: Path) -> None:
    async with staged(client, repo, costly, BudgetConfig(max_cost_usd=0.0401)) as stage:
        run, _ = await stage.wait_for_stop()
        await run.handle.cancel()
        with pytest.raises(RunCancelled):
            await stage.wait_for_end()

    assert stage.asked == ["plan", "first"]
    assert not (repo / ".forge-worktrees" / ".sub").exists()


async def test_time_does_not_run_while_a_run_waits(client: Client, repo: Path) -> None:
    async with staged(client, repo, costly, BudgetConfig(max_duration_s=0.000001)) as stage:
        run, stop = await stage.wait_for_stop()
        await asyncio.to_thread(stage.server.wait_for_requests, 0)
        await send_limits(run, ENOUGH)
        result = await stage.wait_for_end()

    assert (stop.limit, result.status) == ("max_duration_s", "success")
    assert 0 < result.elapsed_s < 3600


async def test_same_change_of_limits_counts_once_and_an_unsigned_one_not_at_all(
    client: Client, repo: Path
) -> None:
    def change(name: str, tokens: int) -> LimitsChange:
        return LimitsChange(change_id=name, limits=Limits(max_total_tokens=tokens))

    async with staged(client, repo, costly, BudgetConfig(max_total_tokens=1)) as stage:
        run, _ = await stage.wait_for_stop()
        await run.handle.signal(SET_LIMITS, change("a", 3))
        await stage.wait_for_stop(2)
        stranger = await Client.connect(
            client.service_client.config.target_host, data_converter=pydantic_data_converter
        )
        theirs = stranger.get_workflow_handle(run.handle.id)
        await theirs.signal(SET_LIMITS, change("theirs", 10**6))
        await run.handle.signal(SET_LIMITS, change("b", 2))
        await stage.wait_for_stop(3)
        await run.handle.signal(SET_LIMITS, change("a", 3))
        await run.handle.signal(SET_LIMITS, change("c", 4))
        _, stop = await stage.wait_for_stop(4)
        await run.handle.cancel()
        with pytest.raises(RunCancelled):
            await stage.wait_for_end()

    assert stop.limits.max_total_tokens == 4
    assert stage.asked == []


async def test_request_under_way_ends_with_the_time_of_its_run(client: Client, repo: Path) -> None:
    over = threading.Event()

    def be_silent_at_first(exchange: Exchange) -> Reply:
        reply = costly(exchange)
        return reply if over.is_set() else replace(reply, gate=over)

    budget = BudgetConfig(max_duration_s=1.5)
    async with staged(client, repo, be_silent_at_first, budget) as stage:
        run, stop = await stage.wait_for_stop()
        between = list(stage.asked)
        over.set()
        await send_limits(run, ENOUGH)
        result = await stage.wait_for_end()

    assert (stop.limit, between, stop.spent.estimated) == ("max_duration_s", ["plan"], 1)
    assert (result.status, stage.asked.count("plan")) == ("success", 2)


@pytest.mark.parametrize(
    "budget",
    [{"assumed_price": "3,15"}, {"allow_unknown_prices": True}],
    ids=["assumed", "allowed"],
)
def test_limit_of_cost_needs_a_price_that_is_known_or_assumed(
    repo: Path, monkeypatch: pytest.MonkeyPatch, budget: dict[str, Any]
) -> None:
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://127.0.0.1:9/v1")
    model = RunSettings("ollama:home-made", "ollama:home-made")

    def resolve(**fields: Any) -> None:
        limits = BudgetConfig(max_cost_usd=5, **fields)
        resolve_run(TaskDefinition(task_id="t", description="x", budget=limits), repo, model)

    with pytest.raises(UsageError, match=r"'ollama:home-made' is not known.*--assume-price IN,OUT"):
        resolve()
    resolve(**budget)
