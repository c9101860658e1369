"""What a run may spend and has spent, read tolerantly from its result; pure.

See D74.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

LIMITS = ("max_cost_usd", "max_total_tokens", "max_duration_s")
"""Names of the limits in a result."""

OPTIONS = {
    "max_cost_usd": "--max-cost",
    "max_total_tokens": "--max-total-tokens",
    "max_duration_s": "--max-duration",
}
"""Options by the limit that they set."""

RAISE = 2
"""Factor by which a new limit is proposed to exceed what was spent."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The limits of a run, and what of them is used up."""

    max_cost_usd: float | None = None
    max_total_tokens: int | None = None
    max_duration_s: float | None = None
    spent_usd: float = 0.0
    spent_tokens: int = 0
    estimated: int = 0
    """Requests whose tokens were estimated from characters."""
    assumed: int = 0
    """Requests charged at the price that the user assumes."""
    unpriced: int = 0
    """Requests that are not in the cost: nobody knows their price."""
    limit: str | None = None
    """The limit that the run has stopped at; None while it has not."""
    elapsed_s: float = 0.0
    """Seconds that it was executed, when it was recorded last."""
    next_usd: float = 0.0
    next_tokens: int = 0
    """What the prompt of the next request would take, as far as that is known."""

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return any(getattr(self, name) is not None for name in LIMITS)

    def propose_option(self) -> str:
        """Propose a new limit with which the run can go on."""
        if self.limit == "max_total_tokens":
            tokens = max(self.max_total_tokens or 0, self.spent_tokens + self.next_tokens)
            return f"--max-total-tokens {RAISE * tokens}"
        if self.limit == "max_duration_s":
            seconds = max(self.max_duration_s or 0.0, self.elapsed_s)
            return f"--max-duration {ceil(RAISE * seconds)}s"
        usd = RAISE * max(self.max_cost_usd or 0.0, self.spent_usd + self.next_usd)
        return f"--max-cost {_round_up(usd)}"


NO_BUDGET = BudgetView()


def read_budget(result: Mapping[str, Any]) -> BudgetView:
    """Read the budget of a result; what is missing or damaged is left out."""
    limits, spent = _mapping(result, "limits"), _mapping(result, "spent")
    stop = _mapping(result, "budget_stop")
    coming = _mapping(stop, "next_request")
    limit = stop.get("limit")
    return BudgetView(
        max_cost_usd=_number(limits, "max_cost_usd") or None,
        max_total_tokens=int(_number(limits, "max_total_tokens")) or None,
        max_duration_s=_number(limits, "max_duration_s") or None,
        spent_usd=_number(spent, "cost_usd"),
        spent_tokens=int(_number(spent, "input_tokens") + _number(spent, "output_tokens")),
        estimated=int(_number(spent, "estimated")),
        assumed=int(_number(spent, "assumed")),
        unpriced=int(_number(spent, "unpriced")),
        limit=limit if limit in LIMITS else None,
        elapsed_s=_number(result, "elapsed_s"),
        next_usd=_number(coming, "cost_usd"),
        next_tokens=int(_number(coming, "input_tokens")),
    )


def _round_up(usd: float) -> str:
    """Write an amount that is not below another one, to the cent where that tells it."""
    cents = ceil(usd * 100)
    if cents >= 10:
        return f"{cents / 100:.2f}"
    return f"{ceil(usd * 1e6) / 1e6:.6f}".rstrip("0").rstrip(".")


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _number(document: Mapping[str, Any], key: str) -> float:
    value = document.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
