"""Two spans of one request that do not know of each other. Pure.

Some SDKs make a span for each request, and some instrumentations of theirs, or of a framework
above, make another one around it without making it the parent: neither is nested in the other,
often each is a trace of its own. They are one request where one of them lies within the other in
time, and the provider gave the answer the same id, or both failed alike, or, where one of the two
does not know the id, both tell of the same answer of the same model.

Each span is the inner one of one other at most, and the outer one of one: of requests that are
alike and under way at the same time, as many rows are left as were sent, whoever is told apart.

See D94 and D103.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, TypeAlias

from forge_obs.model.conversation.messages import read_conversation
from forge_obs.model.usage.figures import read_figures
from forge_obs.otel.calls.lineage import Lineage, SpanNode
from forge_obs.otel.calls.told import Told
from forge_obs.otel.spans import SpanData

MOST_REQUESTS: Final = 5_000
"""How many requests are remembered."""

_MOST_ALIKE: Final = 32
"""How many of them of a scope could be one, as in a test whose server gives the same id always."""

_MOST_SCOPES: Final = 8
"""How many scopes tell of requests that could be one."""

_MOST_COMPARED: Final = 4
"""With how many of those that could be one a request is compared, the nearest in time first."""

Key: TypeAlias = tuple[object, ...]
Place: TypeAlias = tuple[str, str]
"""Trace and span id."""

Fields: TypeAlias = Mapping[str, object]
"""What was read of a request."""


@dataclass(eq=False, slots=True)
class EndedRequest:
    """A request that ended, as the other span of it would be recognised.

    Attributes:
        keys: What both spans say of it, the surest first.
        has_failed: Whether it has an error of some kind, which is in the keys.
        output_tokens: How many tokens the answer has; 0 where that is not told.
        is_inner: Whether another one around it was found.
        is_outer: Whether another one within it was.
        answer: Hash of the text of the answer; 0 where it is not told, or was not needed so far.
    """

    keys: Sequence[Key]
    place: Place
    scope: str
    start_ns: int
    end_ns: int
    has_failed: bool
    response_id: object
    output_tokens: int
    is_inner: bool = field(default=False, repr=False)
    is_outer: bool = field(default=False, repr=False)
    answer: int = field(default=0, repr=False)

    def lies_within(self, other: "EndedRequest") -> bool:
        """Return whether it lies within another one in time."""
        return other.start_ns <= self.start_ns and self.end_ns <= other.end_ns

    def may_be(self, other: "EndedRequest") -> bool:
        """Return whether one is within the other in time, and both are free for that."""
        inner, outer = (self, other) if self.lies_within(other) else (other, self)
        return inner.lies_within(outer) and not (outer.is_outer or inner.is_inner)

    def measure_distance(self, other: "EndedRequest") -> int:
        """Return by how much their beginnings and ends differ, in nanoseconds."""
        return abs(self.start_ns - other.start_ns) + abs(self.end_ns - other.end_ns)

    def find_answer(self, fields: Fields) -> int:
        """Return the hash of the answer, which is read once; 0 where it is not told."""
        if not self.answer:
            text = _read_answer(fields)
            self.answer = hash(text) if text else 0
        return self.answer


Alike: TypeAlias = dict[str, dict[Place, EndedRequest]]
"""Requests that could be one, by scope and place, the oldest first."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two spans of one request, the outer one and the inner one."""

    outer: Place
    inner: Place


class Twins:
    """The requests that ended last; not for several threads at once.

    Args:
        lineage: Which spans are nested in which.
        recall: Gives what was read of a request, by its node; nothing if that is forgotten.
    """

    def __init__(self, lineage: Lineage, recall: Callable[[SpanNode], Fields]) -> None:
        self._lineage = lineage
        self._recall = recall
        self._ended: OrderedDict[Key, Alike] = OrderedDict()

    def clear(self) -> None:
        """Forget everything."""
        self._ended.clear()

    def find(self, own: EndedRequest, told: Told) -> Pair | None:
        """Find the other span of a request, and remember this one.

        Args:
            own: The request, whose place the lineage knows.
            told: What was read of it.
        """
        pair = None
        for key in own.keys:
            alike = self._ended.pop(key, {})
            self._ended[key] = alike
            _put(own, alike)
            if len(alike) > 1:
                pair = pair or self._pair(own, alike, told)
        while len(self._ended) > MOST_REQUESTS:
            self._ended.popitem(last=False)
        return pair

    def _pair(self, own: EndedRequest, alike: Alike, told: Told) -> Pair | None:
        """Pair a request with the nearest in time of those that tell the same."""
        node = self._lineage.get(*own.place)
        if node is None:
            return None
        around = _find_request_around(node)
        others = (r for scope, known in alike.items() if scope != own.scope for r in known.values())
        near = nsmallest(_MOST_COMPARED, filter(own.may_be, others), key=own.measure_distance)
        for other in near:
            inner, outer = (own, other) if own.lies_within(other) else (other, own)
            is_together = self._is_together(outer, other, around)
            if is_together and self._tell_the_same(own, other, told):
                outer.is_outer = inner.is_inner = True
                return Pair(outer.place, inner.place)
        return None

    def _is_together(
        self, outer: EndedRequest, other: EndedRequest, around: SpanNode | None
    ) -> bool:
        """Return whether another request is in the same one around, and the outer one has none."""
        outer_node, other_node = self._lineage.get(*outer.place), self._lineage.get(*other.place)
        if outer_node is None or other_node is None or outer_node.is_above_request:
            return False
        return _find_request_around(other_node) is around

    def _tell_the_same(self, own: EndedRequest, other: EndedRequest, told: Told) -> bool:
        if own.response_id is not None and other.response_id is not None:
            return own.response_id == other.response_id
        if own.has_failed:
            return True  # in the same way, which is in the key
        tokens = own.output_tokens, other.output_tokens
        if 0 not in tokens and tokens[0] != tokens[1]:
            return False
        node = self._lineage.get(*other.place)
        known = {} if node is None else self._recall(node)
        answers = own.find_answer(told.open()), other.find_answer(known)
        if 0 not in answers and answers[0] != answers[1]:
            return False
        return 0 not in tokens or 0 not in answers


def _put(own: EndedRequest, alike: Alike) -> None:
    """Put a request to those that could be it, in the place of what was told of it before."""
    known = alike.setdefault(own.scope, {})
    before = known.pop(own.place, None)
    if before is not None:
        own.is_inner, own.is_outer = before.is_inner, before.is_outer
    known[own.place] = own
    if len(known) > _MOST_ALIKE:
        del known[next(iter(known))]
    if len(alike) > _MOST_SCOPES:
        del alike[next(iter(alike))]


def describe_ended(span: SpanData, fields: Fields) -> EndedRequest | None:
    """Describe a request; None for one that is under way.

    Args:
        span: The request.
        fields: What was read of it.
    """
    if span.end_ns is None:
        return None
    return EndedRequest(
        _make_keys(span, fields),
        (span.trace_id, span.span_id),
        span.source.scope,
        span.start_ns,
        span.end_ns,
        fields.get("error_type") is not None,
        fields.get("response_id"),
        _find_output_tokens(fields.get("usage")),
    )


def _make_keys(span: SpanData, fields: Fields) -> list[Key]:
    model = str(fields.get("request_model")).rpartition(":")[2].rpartition("/")[2]
    program = (fields.get("task_id"), span.source.instance)
    kind, response_id = fields.get("error_type"), fields.get("response_id")
    keys: list[Key] = [] if response_id is None else [("answer", response_id)]
    return [*keys, ("model", model, kind, *program)]


def _find_output_tokens(usage: object) -> int:
    """Return how many tokens the answer has; 0 where that is not told."""
    if not isinstance(usage, Mapping):
        return 0
    # Nested ones come in anything's words, and no convention has the answer's tokens there.
    counts = {name: count for name, count in usage.items() if type(count) in {int, float}}
    return read_figures(counts).output_tokens or 0


def _find_request_around(node: SpanNode) -> SpanNode | None:
    return next((above for above in node.list_ancestors() if above.is_request), None)


def _read_answer(fields: Fields) -> str:
    """Return the text of an answer; empty where there is none, or it is not told."""
    messages = fields.get("messages")
    output = messages.get("output") if isinstance(messages, Mapping) else None
    return read_conversation({"output": output}).response or "" if output else ""
