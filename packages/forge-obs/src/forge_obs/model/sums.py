"""Sums over calls; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Grouping: TypeAlias = Literal[
    "model", "role", "step", "task", "hour", "quarter", "outcome", "error", "session"
]
"""What calls are grouped by: `hour` and `quarter` are of UTC, for days of any time zone."""

Kind: TypeAlias = Literal[
    "scripted", "simulated", "usual", "special", "started", "failed", "unreported"
]
"""What the cost of calls depends on: no provider answered, or a script pretends that one did;
tokens at listed prices; something that may have a price of its own, so that each is to be looked
at; no outcome on record; failed without tokens; tokens unknown."""


@dataclass(frozen=True)
class CallSum:
    """Sums over calls of one kind in a range of ids.

    Attributes:
        group: What they are grouped by; None where they have no such thing.
        failure: `error_type` of calls of the kind `failed`.
        is_wasted: Whether they failed, or their answers were refused or unusable.
        failed: Calls whose request failed.
        started: Calls whose outcome is not on record.
        first_judged: Answers of a first attempt that were judged.
        first_accepted: Those of them that were accepted.
        least_input: The fewest input tokens of one of them.
        most_input: The most.
        first_at: When the first was made, as `created_at` says it.
        last_at: When the last was.
        latencies: How long those took that a provider answered, in milliseconds, as JSON.
        first_tokens: How long the first token took them, where it is known.
    """

    group: str | None
    model_name: str
    request_model: str | None
    service_tier: str | None
    kind: Kind
    failure: str | None
    is_wasted: bool
    calls: int
    failed: int
    started: int
    first_judged: int
    first_accepted: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    latency_ms: float
    least_input: int
    most_input: int
    first_at: str
    last_at: str
    latencies: str = field(repr=False)
    first_tokens: str = field(repr=False)


@dataclass(frozen=True)
class RangeSums:
    """Sums over the calls from one id to another."""

    lower: int
    upper: int
    sums: Sequence[CallSum]
