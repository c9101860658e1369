"""Sums over calls of one kind in a range of ids; pure."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import add
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from forge_obs.model.rows import Interaction

Kind: TypeAlias = Literal[
    "scripted", "simulated", "usual", "special", "stated", "started", "failed", "unreported"
]
"""What the cost of calls depends on: no provider answered, or a script pretends that one did;
tokens at listed prices; something that may have a price of its own, so that each is to be looked
at; what the answers themselves say; no outcome on record; failed without tokens; tokens unknown."""

NO_DURATIONS: Final = array("Q")


class CallSum(NamedTuple):
    """Sums over calls of one kind in a range of ids.

    Attributes:
        group: What they are grouped by; None where they have no such thing.
        is_special: Whether something in them may have a price of its own, or contradicts itself.
        failure: `error_type` of calls of the kind `failed`.
        is_wasted: Whether they failed, or their answers were refused or unusable.
        is_judged: Whether they failed, or it is on record what became of their answers.
        failed: Calls whose request failed.
        started: Calls whose outcome is not on record.
        first_judged: Answers of a first attempt that were judged.
        first_accepted: Those of them that were accepted.
        accepted: Answers of a provider that were accepted, at any attempt.
        least_input: The fewest input tokens of one of them.
        most_input: The most.
        stated_usd: What those cost together whose answers say so.
        first_at: A moment before which none of them was made.
        last_at: One after which none was.
        latencies_ns: How long those took that a provider answered, in whole nanoseconds.
        first_tokens_ns: How long the first token took them, where it is known.
        key: What the store has in common for them, by which it finds them again.
    """

    group: str | None
    model_name: str
    request_model: str | None
    service_tier: str | None
    kind: Kind
    is_special: bool
    failure: str | None
    is_wasted: bool
    is_judged: bool
    calls: int
    failed: int
    started: int
    first_judged: int
    first_accepted: int
    accepted: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    latency_ms: float
    stated_usd: Decimal
    least_input: int
    most_input: int
    first_at: datetime
    last_at: datetime
    latencies_ns: "array[int]"
    first_tokens_ns: "array[int]"
    key: tuple[object, ...]

    def join(self, other: "CallSum") -> "CallSum":
        """Add up two sums over calls of one kind; neither durations nor the key are kept."""
        own: tuple[Any, ...] = self
        bounds = (
            min(self.least_input, other.least_input),
            max(self.most_input, other.most_input),
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
        )
        sums = map(add, own[_FIRST_SUM:_END_OF_SUMS], other[_FIRST_SUM:_END_OF_SUMS])
        return CallSum._make((*own[:_FIRST_SUM], *sums, *bounds, NO_DURATIONS, NO_DURATIONS, ()))


_FIRST_SUM: Final = CallSum._fields.index("calls")
_END_OF_SUMS: Final = CallSum._fields.index("stated_usd") + 1


@dataclass(frozen=True, slots=True)
class RangeSums:
    """Sums over the calls from one id to another.

    Attributes:
        singles: Calls that are in no sum, since one of them, or of those beside it, is damaged;
            each with its group. They have what sums are made of, not their texts.
    """

    lower: int
    upper: int
    sums: Sequence[CallSum] = ()
    singles: Sequence[tuple[str | None, Interaction]] = ()
