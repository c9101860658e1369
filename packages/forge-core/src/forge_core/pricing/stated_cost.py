"""What a provider itself says that a request cost; pure.

The recorder reads the same words, so that a budget and the totals of a run agree.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

DOLLARS: Mapping[str, Decimal] = {
    **dict.fromkeys(("cost", "cost_usd", "total_cost", "total_cost_usd"), Decimal(1)),
    **dict.fromkeys(("response_cost", "estimated_cost"), Decimal(1)),
    "cost_in_usd_ticks": Decimal("1e-10"),
}
"""Words of routers and providers, each with what one of its units is in US dollars."""

MOST = 1e15
"""Units of a charge beyond which a number is no charge, and may be too large to reckon with."""


def read_stated_cost(reports: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """Return what the last report of usage says of the cost, in US dollars; None for nothing.

    A router that is used with a key of one's own states its fee, and the provider's charge beside;
    a fee alone is not the cost. Zero is believed: free models and flat rates state it, and those
    who bill know best.
    """
    report = reports[-1] if reports else {}
    upstream = _read_upstream(report)
    for name, unit in DOLLARS.items():
        stated = _as_amount(report.get(name))
        if stated is not None and upstream is not None:
            return (stated + upstream) * unit
    return None


def _read_upstream(report: Mapping[str, Any]) -> Decimal | None:
    """Return what the provider behind a router charges on top; None where nobody says it."""
    if report.get("is_byok") is not True:
        return Decimal(0)
    details = report.get("cost_details")
    upstream_cost = details.get("upstream_inference_cost") if isinstance(details, Mapping) else None
    return _as_amount(upstream_cost)


def _as_amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if 0 <= value <= MOST and math.isfinite(value) else None
