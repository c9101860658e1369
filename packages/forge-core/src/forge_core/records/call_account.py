"""What the requests of one call have taken, over all attempts at its activity.

An answer that is recalled from the journal was paid for once, and counts once. What brought no
answer is handed on to the next attempt in heartbeat details, and so is the request that is under
way: a process that dies leaves nobody who knows whether it was billed.

See D74.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from forge_core.errors import LimitReached
from forge_core.llm.errors import ModelFailure
from forge_core.llm.request import ModelAnswer, ModelRequest
from forge_core.models.activity import CallInput
from forge_core.models.budget import NONE_SPENT, CallStop, LimitName, Spending
from forge_core.models.call.context import AssembledContext
from forge_core.models.frozen import FrozenModel
from forge_core.pricing.quote import Charge, PlainUsage, quote_request
from forge_core.pricing.rates import REFUSALS, UNSENT, Special
from forge_core.pricing.stated_cost import read_stated_cost

SHORTEST_S = 0.001
"""Seconds that a request has at least which was let through."""

CHARS_PER_TOKEN = 4.0
"""Characters per token where a context does not say."""


class CallProgress(FrozenModel):
    """What an attempt at a call leaves to the next one."""

    lost: Spending = NONE_SPENT
    """What went to requests that brought no answer."""
    sample: int | None = None
    """The request that is under way."""
    under_way: Spending = NONE_SPENT
    """What it takes if it is billed, estimated."""
    traced: int = 0
    """Answers whose tokens the span of an attempt carries that has ended."""


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """Under which activity and attempt a call's requests are on record."""

    activity_id: str
    attempt: int

    @classmethod
    def of(cls, activity_id: str, attempt: int, stop: CallStop | None) -> "CallIdentity":
        """Return that of an activity, which may continue a call that was stopped."""
        if stop is None:
            return cls(activity_id, attempt)
        return cls(stop.activity_id, stop.attempts + attempt)


class CallAccount:
    """Counts the requests of a call, and refuses one that the budget does not allow.

    Looking up a price reads files, so all but the properties is for a thread.

    Args:
        work: What the call is paid from.
        context: Its prompts.
        identity: Under which its requests are on record.
        inherited: What the attempt before left.
        waited_s: Seconds between the allowance and the beginning of this attempt.
    """

    def __init__(
        self,
        work: CallInput,
        context: AssembledContext,
        identity: CallIdentity,
        inherited: CallProgress | None,
        waited_s: float = 0.0,
    ) -> None:
        self._work = work
        self._identity = identity
        self._began = time.monotonic() - waited_s
        self._chars_per_token = _find_chars_per_token(context)
        self._answered: dict[int, Spending] = {}
        lost = work.stop.lost if work.stop is not None else NONE_SPENT
        self._inherited = inherited or CallProgress(lost=lost)
        self._lost = self._inherited.lost
        self._traced = self._inherited.traced
        self._refused: tuple[LimitName, Spending] | None = None

    @property
    def spent(self) -> Spending:
        """All that the call has spent."""
        return sum(self._answered.values(), self.lost)

    @property
    def lost(self) -> Spending:
        """Of that, what brought no answer."""
        return self._lost + self._inherited.under_way

    @property
    def answers(self) -> int:
        """How many answers there are, recalled ones included."""
        return len(self._answered)

    def is_untraced(self, sample: int, paid_by: int) -> bool:
        """Return whether no span of an earlier attempt carries what an answer took.

        An attempt that was killed or cut off leaves none that does.

        Args:
            sample: Number of the request within the call.
            paid_by: The attempt at the activity that sent it.
        """
        if paid_by == self._identity.attempt:
            return True
        stop = self._work.stop
        was_stopped = stop is not None and paid_by <= stop.attempts
        return not was_stopped and sample >= self._traced

    @property
    def time_left_s(self) -> float | None:
        """Seconds that the budget leaves the call; None where it does not limit them."""
        allowance = self._work.allowance
        if allowance is None or allowance.seconds is None:
            return None
        return max(SHORTEST_S, allowance.seconds - (time.monotonic() - self._began))

    def describe_stop(self) -> CallStop:
        """Describe where the budget stopped the call."""
        if self._refused is None:
            raise RuntimeError("no request was refused")
        limit, estimate = self._refused
        return CallStop(
            activity_id=self._identity.activity_id,
            attempts=self._identity.attempt,
            limit=limit,
            spent=self.spent,
            lost=self.lost,
            next_request=estimate,
        )

    def begin(self, sample: int, request: ModelRequest) -> CallProgress:
        """Let a request be sent, and return what the next attempt has to know if this one dies.

        Args:
            sample: Number of the request within the call.
            request: The request, of which no answer was kept.

        Raises:
            LimitReached: The budget does not allow it.
            ModelFailure: Nobody knows what it costs, and there is a limit of cost.
        """
        if sample == self._inherited.sample:  # it was under way, and has left no answer
            self._lost = self.lost
            self._inherited = CallProgress()
        estimate = self._estimate(request)
        self._require_price(request, estimate)
        limit = self._find_limit(estimate)
        if limit is not None:
            self._refused = limit, estimate
            raise LimitReached(f"the budget is used up: {limit}")
        return CallProgress(lost=self.lost, sample=sample, under_way=estimate, traced=self._traced)

    def count_answer(
        self, sample: int, request: ModelRequest, answer: ModelAnswer, paid_by: int
    ) -> None:
        """Count an answer.

        Args:
            sample: Number of the request within the call.
            request: The request.
            answer: What came back.
            paid_by: The attempt at the activity that sent it.
        """
        if sample == self._inherited.sample and paid_by != self._identity.attempt:
            self._inherited = CallProgress()  # what was under way is this answer
        self._answered[sample] = self._read(request, answer)

    def count_failure(self, request: ModelRequest, failure: ModelFailure) -> CallProgress:
        """Count a request that brought no answer, and return what the next attempt has to know."""
        if failure.kind not in REFUSALS | {UNSENT}:
            self._lost += self._read(request, failure.answer)
        return CallProgress(lost=self.lost, traced=self._traced)

    def _require_price(self, request: ModelRequest, estimate: Spending) -> None:
        allowance, terms = self._work.allowance, self._work.terms
        is_limited = allowance is not None and allowance.cost_usd is not None
        if is_limited and estimate.unpriced and not terms.allow_unknown_prices:
            raise ModelFailure(
                "not_configured",
                f"{request.model}: its price is not known here, which a limit of cost needs",
            )

    def _find_limit(self, estimate: Spending) -> LimitName | None:
        allowance, stop = self._work.allowance, self._work.stop
        if allowance is None:
            return None
        spent = self.spent - (stop.spent if stop is not None else NONE_SPENT)
        return allowance.find_limit(spent, estimate, time.monotonic() - self._began)

    def _estimate(self, request: ModelRequest, answer: str = "") -> Spending:
        if request.origin != "provider":
            return NONE_SPENT
        usage = PlainUsage(
            self._count_tokens(request.system_prompt, request.user_prompt),
            self._count_tokens(answer),
        )
        special = Special(tier=request.settings.service_tier)
        return self._charge(Charge(request.model, usage, special=special), is_estimated=True)

    def _read(self, request: ModelRequest, answer: ModelAnswer | None) -> Spending:
        """Read what an answer took, which is estimated where it does not say."""
        if answer is None:
            return self._estimate(request)
        usage = answer.usage
        if usage.origin != "provider":
            return NONE_SPENT
        if not (usage.input_tokens or usage.output_tokens):
            return self._estimate(request, answer.text)
        special = Special(tier=answer.reported.service_tier)
        charged = self._charge(Charge(request.model, usage, usage.model_name, special))
        stated = read_stated_cost(answer.reported.usage)
        if stated is None or (not stated and charged.assumed):
            return charged  # gateways state 0 of what they cannot price, too: the user knows better
        return charged.model_copy(update={"cost_usd": stated, "assumed": 0, "unpriced": 0})

    def _charge(self, charge: Charge, *, is_estimated: bool = False) -> Spending:
        usage = charge.usage
        quote = quote_request(charge, datetime.now(UTC), self._work.terms.assumed_price)
        return Spending(
            requests=1,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=quote.usd,
            estimated=int(is_estimated),
            assumed=int(quote.is_assumed),
            unpriced=int(not quote.is_known),
        )

    def _count_tokens(self, *texts: str) -> int:
        return ceil(sum(map(len, texts)) / self._chars_per_token)


def _find_chars_per_token(context: AssembledContext) -> float:
    """Return the factor by which the context was measured."""
    chars = len(context.system_prompt) + len(context.user_prompt)
    tokens = context.context_stats.total_estimated_tokens
    return chars / tokens if chars and tokens else CHARS_PER_TOKEN


def read_details(details: Sequence[Any]) -> tuple[int, CallProgress | None]:
    """Read heartbeat details: how many requests have failed, and what the attempt before left.

    An older Forge left the number alone.
    """
    failures = int(details[0]) if details else 0
    return failures, CallProgress.model_validate(details[1]) if len(details) > 1 else None
