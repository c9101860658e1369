"""What a run may spend, what it has spent and what is left of its budget; pure.

See D74.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, PlainSerializer

from forge_core.models.frozen import USER_INPUT, FrozenModel

Usd = Annotated[Decimal, PlainSerializer(float, return_type=float)]
"""US dollars: exact in memory, a number wherever they are written."""

LimitName = Literal["max_cost_usd", "max_total_tokens", "max_duration_s"]
"""Which limit a run has reached."""

BUDGET_STOP = "forge_budget_stop"
"""Key of a workflow's memo under which it says that it has stopped, and why."""

NOTHING = Decimal(0)


class Spending(FrozenModel):
    """What requests to models have taken together.

    Requests that a provider turned away took nothing. Those of a scripted model are not counted.
    """

    requests: int = 0
    """Requests that a provider answered, or may bill all the same."""
    input_tokens: int = 0
    """Cached ones included."""
    output_tokens: int = 0
    """Reasoning included."""
    cost_usd: Usd = NOTHING
    estimated: int = 0
    """Requests whose tokens nobody reported: they were estimated from characters."""
    assumed: int = 0
    """Requests that were charged at the price that the user assumes."""
    unpriced: int = 0
    """Requests without a known price, which are in the tokens and not in the cost."""

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Self) -> Self:
        """Sum both."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in SPENT}
        return type(self)(**sums)

    def __sub__(self, other: Self) -> Self:
        """Take a part out of a sum."""
        rests = {name: getattr(self, name) - getattr(other, name) for name in SPENT}
        return type(self)(**rests)


SPENT = tuple(Spending.model_fields)
"""Names of the figures that are summed."""

NONE_SPENT = Spending()


MOST_USD = Decimal(10**9)
"""US dollars per million tokens beyond which a price is an error."""


def parse_price_pair(text: str) -> tuple[Decimal, Decimal]:
    """Read US dollars per million tokens of input and of output, `IN,OUT`.

    Raises:
        ValueError: It is anything else.
    """
    try:
        given, taken = (Decimal(part.strip()) for part in text.split(","))
    except (InvalidOperation, ValueError) as error:
        raise ValueError(_explain_pair(text)) from error
    if not all(price.is_finite() and 0 <= price < MOST_USD for price in (given, taken)):
        raise ValueError(_explain_pair(text))
    return given, taken


def _explain_pair(text: str) -> str:
    return f"{text!r} is not IN,OUT: two amounts in US dollars per million tokens, such as 3,15"


def _check_price(text: str) -> str:
    parse_price_pair(text)
    return text


class BudgetConfig(BaseModel):
    """What a run may spend in all; it stops there and waits for a new limit."""

    model_config = USER_INPUT

    max_cost_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """US dollars that the run may cost, failed requests included; priced by genai-prices."""
    max_total_tokens: int | None = Field(default=None, ge=1)
    """Tokens that the run may take, prompts and answers together."""
    max_duration_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds that the run may take; interruptions and waiting for a new limit do not count."""
    assumed_price: Annotated[str, AfterValidator(_check_price)] | None = None
    """IN,OUT: US dollars per million tokens of models whose price is not known."""
    allow_unknown_prices: bool = False
    """Run models whose price is not known, leaving them out of the cost."""

    @property
    def limits(self) -> "Limits":
        """The limits, as the run keeps them."""
        cost = None if self.max_cost_usd is None else Decimal(str(self.max_cost_usd))
        return Limits(
            max_cost_usd=cost,
            max_total_tokens=self.max_total_tokens,
            max_duration_s=self.max_duration_s,
        )

    @property
    def terms(self) -> "PriceTerms":
        """What is said of models without a known price."""
        return PriceTerms(
            assumed_price=self.assumed_price, allow_unknown_prices=self.allow_unknown_prices
        )


class PriceTerms(FrozenModel):
    """What becomes of a request to a model whose price is not known."""

    assumed_price: str | None = None
    """IN,OUT: what it is charged at."""
    allow_unknown_prices: bool = False
    """Whether it is sent all the same where there is a limit of cost."""


class Limits(FrozenModel):
    """The limits of a run; None for what has none."""

    max_cost_usd: Usd | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_total_tokens: int | None = Field(default=None, ge=1)
    max_duration_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @property
    def is_set(self) -> bool:
        """Whether there is any."""
        return self != Limits()

    def replace(self, newer: Self) -> Self:
        """Return these limits with those that newer ones name."""
        named = {name: value for name, value in newer if value is not None}
        return self.model_copy(update=named)


class LimitsChange(FrozenModel):
    """New limits of a run, as its user sent them."""

    change_id: str
    """Unlike that of any other change: the same one again is passed over."""
    limits: Limits
    """None in it leaves a limit as it is."""


class Allowance(FrozenModel):
    """What is left of a budget when a call begins; None for what has no limit."""

    cost_usd: Usd | None = None
    tokens: int | None = None
    seconds: float | None = None

    def find_limit(
        self, spent: Spending = NONE_SPENT, next_request: Spending = NONE_SPENT, seconds: float = 0
    ) -> LimitName | None:
        """Return which limit keeps a request from being sent; None if it may be.

        Args:
            spent: What the call has spent since it was told what is left.
            next_request: What the request's prompt takes, as far as that can be told before.
            seconds: Time that has passed since.
        """
        if self.cost_usd is not None and not _fits(
            self.cost_usd - spent.cost_usd, next_request.cost_usd
        ):
            return "max_cost_usd"
        if self.tokens is not None and not _fits(self.tokens - spent.tokens, next_request.tokens):
            return "max_total_tokens"
        if self.seconds is not None and seconds >= self.seconds:
            return "max_duration_s"
        return None


def _fits(left: Decimal | int, amount: Decimal | int) -> bool:
    return left > 0 and amount <= left


def compute_allowance(limits: Limits, spent: Spending, elapsed_s: float) -> Allowance:
    """Return what is left of a run's budget."""
    cost, tokens, seconds = limits.max_cost_usd, limits.max_total_tokens, limits.max_duration_s
    return Allowance(
        cost_usd=None if cost is None else cost - spent.cost_usd,
        tokens=None if tokens is None else tokens - spent.tokens,
        seconds=None if seconds is None else seconds - elapsed_s,
    )


class CallStop(FrozenModel):
    """Where a call stopped because the budget was used up, so that it can be continued."""

    activity_id: str
    """Of the activity under which its requests are on record."""
    attempts: int
    """Attempts at it so far, which the next one's are counted on from."""
    limit: LimitName
    spent: Spending
    """By the whole call."""
    lost: Spending
    """Of that, what went to requests that brought no answer."""
    next_request: Spending
    """What the prompt of the request would have taken that was not sent, estimated."""


class AllowanceRequest(FrozenModel):
    """A sub-task's question what is left, before a call of it."""

    workflow_id: str
    """The sub-task's."""
    number: int
    """How many it has asked, this one included."""
    spent: Spending
    """By the sub-task so far."""
    next_request: Spending


class Grant(FrozenModel):
    """The answer to a sub-task's question."""

    number: int
    """Of the question; 0 for a budget that the sub-task did not know of."""
    allowance: Allowance | None
    """None where there is no limit any more."""


class BudgetStop(FrozenModel):
    """Why a run has stopped; it waits for a new limit."""

    number: int
    """How many times the run has stopped by now."""
    limit: LimitName
    """The limit that was reached."""
    limits: Limits
    """All limits in force."""
    spent: Spending
    elapsed_s: float
    """Seconds that the run was executed, without those that it waited for a limit."""
    next_request: Spending = NONE_SPENT
    """What the prompt of the next request would take, as far as that is known."""

    def allows(self, newer: Limits) -> bool:
        """Return whether the run could go on with newer limits."""
        limits = self.limits.replace(newer)
        allowance = compute_allowance(limits, self.spent, self.elapsed_s)
        return allowance.find_limit(next_request=self.next_request) is None
