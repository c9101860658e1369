"""A call's account has every request that was paid for once, whatever attempt sent it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from forge_core.errors import LimitReached
from forge_core.llm.errors import FailureKind, ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest, Reported, RequestLabels
from forge_core.models.activity import CallInput
from forge_core.models.budget import Allowance, CallStop, PriceTerms, Spending
from forge_core.models.call.context import AssembledContext, ContextStats
from forge_core.models.call.llm import CallUsage, LLMResponse
from forge_core.models.call.settings import CallSettings
from forge_core.records.call_account import (
    CallAccount,
    CallIdentity,
    CallProgress,
    read_details,
)

CONTEXT = AssembledContext(
    task_id="task",
    workflow_id="forge-task-01234567",
    system_prompt="s" * 1000,
    user_prompt="u" * 3000,
    context_stats=ContextStats(total_estimated_tokens=1000),
)
REQUEST = ModelRequest(
    "openai:gpt-4o", "s" * 1000, "u" * 3000, LLMResponse, 100, RequestLabels("llm")
)
"""A thousand tokens of input cost 0.0025 dollars, a thousand of output 0.01."""

ANSWER = ModelAnswer("{}", CallUsage(model_name="gpt-4o", input_tokens=2000, output_tokens=1000))
PAID = Spending(requests=1, input_tokens=2000, output_tokens=1000, cost_usd=Decimal("0.015"))
ESTIMATE = Spending(requests=1, input_tokens=1000, cost_usd=Decimal("0.0025"), estimated=1)


def open_account(
    work: CallInput | None = None, *, attempt: int = 1, inherited: CallProgress | None = None
) -> CallAccount:
    work = work or CallInput()
    return CallAccount(work, CONTEXT, CallIdentity.of("7", attempt, work.stop), inherited)


def test_refused_samples_and_failures_count() -> None:
    account = open_account()

    account.begin(0, REQUEST)
    account.count_answer(0, REQUEST, ANSWER, paid_by=1)
    account.begin(1, REQUEST)
    account.count_failure(REQUEST, ModelFailure("timeout", "too late"))

    assert account.spent == PAID + ESTIMATE
    assert account.lost == ESTIMATE


@pytest.mark.parametrize("kind", ["rate_limited", "authentication", "rejected"])
def test_what_a_provider_turned_away_costs_nothing(kind: FailureKind) -> None:
    account = open_account()

    account.count_failure(REQUEST, ModelFailure(kind, "no"))

    assert account.spent == Spending()


def test_scripted_answers_cost_nothing() -> None:
    scripted = replace(REQUEST, model="scripted:/answers.json")
    account = open_account(CallInput(allowance=Allowance(cost_usd=Decimal("0.001"), tokens=1)))

    account.begin(0, scripted)
    usage = CallUsage(model_name="scripted:answers", origin="scripted")
    account.count_answer(0, scripted, ModelAnswer("{}", usage), paid_by=1)

    assert account.spent == Spending()


def test_answer_that_reports_no_tokens_is_estimated_from_its_characters() -> None:
    account = open_account()

    account.count_answer(0, REQUEST, ModelAnswer("x" * 400, CallUsage(model_name="m")), paid_by=1)

    assert account.spent == Spending(
        requests=1, input_tokens=1000, output_tokens=100, cost_usd=Decimal("0.0035"), estimated=1
    )


def test_request_of_a_process_that_died_counts_if_it_left_no_answer() -> None:
    left = open_account().begin(0, REQUEST)
    account = open_account(attempt=2, inherited=left)

    account.begin(0, REQUEST)
    account.count_answer(0, REQUEST, ANSWER, paid_by=2)

    assert account.spent == PAID + ESTIMATE


def test_answer_that_was_recalled_counts_once() -> None:
    left = open_account().begin(0, REQUEST)
    account = open_account(attempt=2, inherited=left)

    account.count_answer(0, REQUEST, ANSWER, paid_by=1)

    assert account.spent == PAID


def test_failures_of_earlier_attempts_are_handed_on() -> None:
    first = open_account()
    left = first.count_failure(REQUEST, ModelFailure("connection", "broken"))
    _, inherited = read_details([1, left.model_dump(mode="json")])

    assert open_account(attempt=2, inherited=inherited).spent == ESTIMATE
    assert read_details([3]) == (3, None)
    assert read_details([]) == (0, None)


def test_request_whose_prompt_is_more_than_what_is_left_is_not_sent() -> None:
    account = open_account(CallInput(allowance=Allowance(cost_usd=Decimal("0.017"))))
    account.begin(0, REQUEST)
    account.count_answer(0, REQUEST, ANSWER, paid_by=1)

    with pytest.raises(LimitReached):
        account.begin(1, REQUEST)

    assert account.describe_stop() == CallStop(
        activity_id="7",
        attempts=1,
        limit="max_cost_usd",
        spent=PAID,
        lost=Spending(),
        next_request=ESTIMATE,
    )


def test_continued_call_is_on_record_as_the_same_and_counts_what_was_lost_once() -> None:
    stop = CallStop(
        activity_id="3",
        attempts=2,
        limit="max_cost_usd",
        spent=PAID + ESTIMATE,
        lost=ESTIMATE,
        next_request=ESTIMATE,
    )
    work = CallInput(allowance=Allowance(cost_usd=Decimal("0.003")), stop=stop)
    account = open_account(work)

    account.count_answer(0, REQUEST, ANSWER, paid_by=1)
    account.begin(1, REQUEST)

    assert account.spent == PAID + ESTIMATE
    assert CallIdentity.of("9", 1, stop) == CallIdentity("3", 3)
    account.count_answer(1, REQUEST, ANSWER, paid_by=3)
    with pytest.raises(LimitReached):
        account.begin(2, REQUEST)


def test_limit_of_cost_needs_a_price() -> None:
    unknown = replace(REQUEST, model="ollama:home-made")
    limit = Allowance(cost_usd=Decimal(1))

    with pytest.raises(ModelFailure, match="price is not known here"):
        open_account(CallInput(allowance=limit)).begin(0, unknown)

    open_account(CallInput(allowance=Allowance(tokens=5000))).begin(0, unknown)
    allowed = CallInput(allowance=limit, terms=PriceTerms(allow_unknown_prices=True))
    assert open_account(allowed).begin(0, unknown).under_way.unpriced == 1
    assumed = CallInput(allowance=limit, terms=PriceTerms(assumed_price="3,15"))
    assert open_account(assumed).begin(0, unknown).under_way == Spending(
        requests=1, input_tokens=1000, cost_usd=Decimal("0.003"), estimated=1, assumed=1
    )


def test_time_that_went_by_before_the_attempt_counts() -> None:
    work = CallInput(allowance=Allowance(seconds=60))
    identity = CallIdentity("7", 1)

    CallAccount(work, CONTEXT, identity, None, waited_s=1).begin(0, REQUEST)
    with pytest.raises(LimitReached):
        CallAccount(work, CONTEXT, identity, None, waited_s=60).begin(0, REQUEST)


def test_time_that_is_left_bounds_each_request() -> None:
    limited = CallInput(allowance=Allowance(seconds=60))

    left = CallAccount(limited, CONTEXT, CallIdentity("7", 1), None, waited_s=50).time_left_s

    assert left is not None
    assert 9 < left <= 10
    assert open_account().time_left_s is None


def test_request_costs_what_its_tier_costs() -> None:
    asked = replace(REQUEST, model="openai:gpt-5", settings=CallSettings(service_tier="priority"))
    usage = CallUsage(model_name="gpt-5", input_tokens=1000, output_tokens=0)
    served = ModelAnswer("{}", usage, reported=Reported(service_tier="flex"))
    account = open_account()

    estimate = account.begin(0, asked).under_way
    account.count_answer(0, asked, served, paid_by=1)

    assert estimate.cost_usd == Decimal("0.0025")
    assert account.spent.cost_usd == Decimal("0.000625")


def test_what_the_provider_says_that_it_cost_counts_before_any_price() -> None:
    unknown = replace(REQUEST, model="openrouter:home/made")
    usage = CallUsage(model_name="home/made", input_tokens=1000, output_tokens=10)
    stated = ModelAnswer("{}", usage, reported=Reported(usage=[{"cost": 0.002}]))
    account = open_account()

    account.count_answer(0, unknown, stated, paid_by=1)

    assert (account.spent.cost_usd, account.spent.unpriced) == (Decimal("0.002"), 0)


@pytest.mark.parametrize(
    ("model", "assumed", "cost"),
    [
        ("openai:gpt-5", None, "0"),
        ("openai:gpt-5", "2,2", "0"),
        ("openrouter:home/made", "2,2", "0.004"),
        ("openrouter:home/made", "0,0", "0"),
    ],
)
def test_nothing_is_believed_of_a_provider_but_where_the_user_assumes_a_price(
    model: str, assumed: str | None, cost: str
) -> None:
    request = replace(REQUEST, model=model)
    usage = CallUsage(
        model_name=request.model.partition(":")[2], input_tokens=2000, output_tokens=0
    )
    free = ModelAnswer("{}", usage, reported=Reported(usage=[{"cost": 0}]))
    account = open_account(CallInput(terms=PriceTerms(assumed_price=assumed)))

    account.count_answer(0, request, free, paid_by=1)

    assert account.spent.cost_usd == Decimal(cost)


STOPPED = CallStop(
    activity_id="7",
    attempts=2,
    limit="max_total_tokens",
    spent=Spending(),
    lost=Spending(),
    next_request=Spending(),
)


@pytest.mark.parametrize(
    ("attempt", "stop", "traced", "paid_by", "is_untraced"),
    [
        pytest.param(2, None, 1, 2, True, id="sent by this attempt"),
        pytest.param(2, None, 1, 1, False, id="of an attempt that failed"),
        pytest.param(2, None, 0, 1, True, id="of an attempt that was killed"),
        pytest.param(1, STOPPED, 0, 2, False, id="of a call that stopped at its budget"),
        pytest.param(1, STOPPED, 0, 3, True, id="sent after it was continued"),
    ],
)
def test_tokens_belong_on_the_span_of_one_attempt(
    attempt: int, stop: CallStop | None, traced: int, paid_by: int, is_untraced: bool
) -> None:
    account = open_account(
        CallInput(stop=stop), attempt=attempt, inherited=CallProgress(traced=traced)
    )

    assert account.is_untraced(0, paid_by) is is_untraced


def test_next_attempt_knows_what_spans_carry_already() -> None:
    account = open_account(attempt=2, inherited=CallProgress(traced=1))

    assert account.begin(1, REQUEST).traced == 1
    assert CallProgress.model_validate({"sample": 1}).traced == 0  # of an older Forge
