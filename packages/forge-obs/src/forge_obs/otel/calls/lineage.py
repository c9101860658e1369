"""Which spans are nested in which, as far as it matters for what becomes a row. Pure.

Spans come in any order: in process their starts are known, elsewhere children arrive before their
parents as a rule, and sometimes after them. Memory is bounded: the oldest spans are forgotten.

See D95.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

MOST_SPANS: Final = 20_000
"""How many spans are remembered."""

_DEEPEST: Final = 200
"""How many levels up or down are looked at; a loop that hands its context on has no end."""

MOST_LOOKS: Final = 200_000
"""How many spans are looked at for what is nested in the requests of one body, in all."""

_MOST_BELOW: Final = 2_000
"""How many of them below one."""


class Link(NamedTuple):
    """A span by its place alone.

    Attributes:
        parent_span_id: None for the root of a trace.
        is_own: Whether it, or one around it, stands for what is on record without spans.
        is_request: Whether it is known to ask a model.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    is_own: bool = False
    is_request: bool = False


@dataclass(eq=False, slots=True, weakref_slot=True)
class SpanNode:
    """What is known of a span's place.

    Attributes:
        parent: None where there is none, or nothing is known of it.
        is_request: Whether it asks a model.
        is_own: Whether it, or one around it, stands for what is on record without spans.
        has_row: Whether a row was written for it, and not removed since.
        is_above_request: Whether one below it is a request.
    """

    link: Link
    parent: "SpanNode | None" = None
    children: "dict[SpanNode, None]" = field(default_factory=dict)
    is_request: bool = False
    is_own: bool = False
    has_row: bool = False
    is_above_request: bool = False

    def list_ancestors(self) -> Iterator["SpanNode"]:
        """Yield the spans around it, the nearest first."""
        node = self.parent
        for _ in range(_DEEPEST):
            if node is None:
                return
            yield node
            node = node.parent

    def find_inner_request(self, looks: Iterator[int]) -> "SpanNode | None":
        """Return the only innermost request below it.

        Args:
            looks: Gives one for each span that may be looked at, such as `iter(range(100))`.

        Returns:
            None where there are none, several, or more spans below it than may be looked at.
        """
        inner = None
        waiting = list(self.children) if self.is_above_request else []
        for _ in islice(looks, _MOST_BELOW):
            if not waiting:
                return inner
            node = waiting.pop()
            if node.is_above_request:
                waiting += node.children
            elif node.is_request:
                if inner is not None:
                    return None
                inner = node
        return None


class Lineage:
    """The spans that were seen last; not for several threads at once.

    Args:
        most_spans: How many are remembered.
    """

    def __init__(self, most_spans: int = MOST_SPANS) -> None:
        self._most_spans = most_spans
        self._nodes: OrderedDict[tuple[str, str], SpanNode] = OrderedDict()
        self._superseded: list[SpanNode] = []

    def __len__(self) -> int:
        return len(self._nodes)

    def clear(self) -> None:
        """Forget everything."""
        self._nodes.clear()
        self._superseded.clear()

    def get(self, trace_id: str, span_id: str) -> SpanNode | None:
        """Return a span that was seen, or that one below it named as its parent."""
        return self._nodes.get((trace_id, span_id))

    def place(self, link: Link, *, is_request: bool = False) -> SpanNode:
        """Return a span's node with what is known of it now; nothing known is taken back."""
        node = self._get_or_add(link)
        if node.parent is None and link.parent_span_id and link.parent_span_id != link.span_id:
            node.link = link
            self._attach(node, self._get_or_add(Link(link.trace_id, link.parent_span_id)))
        if (is_request or link.is_request) and not node.is_request:
            node.is_request = True
            self._tell_above(node)
        if link.is_own:
            self._own(node)
        return node

    def nest(self, inner: Link, outer: Link) -> None:
        """Put a span into another one that it does not name as its parent.

        It leaves the one that it named, which is around both as a rule, as a web server's is.
        """
        node, above = self._get_or_add(inner), self._get_or_add(outer)
        if any(around is node for around in (above, *above.list_ancestors())):
            return
        if node.parent is not None:
            node.parent.children.pop(node, None)
            node.parent = None
        self._attach(node, above)

    def take_superseded(self) -> list[SpanNode]:
        """Return spans whose rows should not be, as was found since this was called last."""
        superseded, self._superseded = self._superseded, []
        return [node for node in superseded if node.has_row]

    def _get_or_add(self, link: Link) -> SpanNode:
        key = link[:2]
        node = self._nodes.get(key)
        if node is None:
            while len(self._nodes) >= self._most_spans:
                _forget(self._nodes.popitem(last=False)[1])
            node = self._nodes[key] = SpanNode(link)
        else:
            self._nodes.move_to_end(key)
        return node

    def _attach(self, node: SpanNode, parent: SpanNode) -> None:
        if any(above is node for above in (parent, *parent.list_ancestors())):
            return  # ids that were made up may go in circles
        node.parent = parent
        parent.children[node] = None
        if node.is_request or node.is_above_request:
            self._tell_above(node)
        if parent.is_own:
            self._own(node)

    def _tell_above(self, node: SpanNode) -> None:
        for above in node.list_ancestors():
            if above.is_above_request:
                return
            above.is_above_request = True
            if above.has_row:
                self._superseded.append(above)

    def _own(self, node: SpanNode) -> None:
        """Mark a span and all below it; each is marked once."""
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if not current.is_own:
                current.is_own = True
                waiting += current.children
                if current.has_row:
                    self._superseded.append(current)


def _forget(node: SpanNode) -> None:
    if node.parent is not None:
        node.parent.children.pop(node, None)
    for child in node.children:
        child.parent = None
