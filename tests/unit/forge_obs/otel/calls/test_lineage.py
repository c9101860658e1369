"""Who is nested in whom, in whatever order spans come."""

from itertools import permutations

import pytest
from forge_obs.otel.calls.lineage import Lineage, Link, SpanNode
from hypothesis import given
from hypothesis import strategies as st

TRACE = "a" * 32


def link(span_id: str, parent: str | None = None, *, is_own: bool = False) -> Link:
    return Link(TRACE, span_id, parent, is_own)


def get(lineage: Lineage, span_id: str) -> SpanNode:
    node = lineage.get(TRACE, span_id)
    assert node is not None
    return node


def find_inner(lineage: Lineage, span_id: str) -> str | None:
    inner = get(lineage, span_id).find_inner_request(iter(range(10_000)))
    return None if inner is None else inner.link.span_id


@pytest.mark.parametrize("order", list(permutations(["agent", "outer", "client", "inner"])))
def test_inner_request_is_found_in_any_order(order: tuple[str, ...]) -> None:
    parents = {"agent": None, "outer": "agent", "client": "outer", "inner": "client"}
    lineage = Lineage()

    for name in order:
        lineage.place(link(name, parents[name]), is_request=name in {"outer", "inner"})

    assert get(lineage, "outer").is_above_request
    assert not get(lineage, "inner").is_above_request
    assert find_inner(lineage, "outer") == "inner"


def test_request_within_two_others_is_the_inner_one_of_both() -> None:
    lineage = Lineage()
    for name, parent in [("a", None), ("b", "a"), ("c", "b")]:
        lineage.place(link(name, parent), is_request=True)

    assert find_inner(lineage, "a") == "c"
    assert find_inner(lineage, "b") == "c"


def test_several_inner_requests_are_told_from_one() -> None:
    lineage = Lineage()
    for number in range(5):
        lineage.place(link(f"{number}", "outer"), is_request=True)

    assert find_inner(lineage, "outer") is None


def test_inner_request_is_unknown_where_not_all_below_may_be_looked_at() -> None:
    lineage = Lineage()
    lineage.place(link("request", "outer"), is_request=True)
    for number in range(50):
        lineage.place(link(f"{number}", "outer"))

    looks = iter(range(100))
    assert get(lineage, "outer").find_inner_request(looks) is get(lineage, "request")
    assert get(lineage, "outer").find_inner_request(looks) is None


def test_same_span_ids_of_two_traces_are_two_spans() -> None:
    lineage = Lineage()
    lineage.place(Link("1" * 32, "s", "p"), is_request=True)

    assert lineage.place(Link("2" * 32, "p")).is_above_request is False


def test_row_is_superseded_when_a_request_is_found_below() -> None:
    lineage = Lineage()
    lineage.place(link("outer"), is_request=True).has_row = True
    lineage.place(link("inner", "between"), is_request=True)
    assert lineage.take_superseded() == []

    lineage.place(link("between", "outer"))

    assert lineage.take_superseded() == [get(lineage, "outer")]
    assert lineage.take_superseded() == []


def test_rows_below_what_is_on_record_without_spans_are_superseded() -> None:
    lineage = Lineage()
    lineage.place(link("inner", "between"), is_request=True).has_row = True
    lineage.place(link("between", "own"))

    lineage.place(link("own", is_own=True))

    assert [node.link.span_id for node in lineage.take_superseded()] == ["inner"]
    assert lineage.place(link("later", "between")).is_own


def test_memory_is_bounded_and_the_latest_spans_are_kept() -> None:
    lineage = Lineage(most_spans=100)
    for number in range(1000):
        lineage.place(link(f"{number}", "root"), is_request=True)

    assert len(lineage) <= 100
    assert get(lineage, "root").is_above_request
    assert lineage.get(TRACE, "5") is None
    assert len(get(lineage, "root").children) < 100


def test_chain_without_end_is_looked_at_for_a_while() -> None:
    lineage = Lineage()
    for number in range(5000):
        lineage.place(link(f"{number + 1}", f"{number}"), is_request=True)

    assert find_inner(lineage, "0") is None
    assert sum(1 for _ in get(lineage, "5000").list_ancestors()) <= 200


IDS = st.sampled_from("abcdef")


@given(st.lists(st.tuples(IDS, st.none() | IDS, st.booleans(), st.booleans()), max_size=30))
def test_no_ids_however_made_up_make_a_circle_or_an_error(
    spans: list[tuple[str, str | None, bool, bool]],
) -> None:
    lineage = Lineage(most_spans=5)

    for span_id, parent, is_request, is_own in spans:
        node = lineage.place(link(span_id, parent, is_own=is_own), is_request=is_request)

        assert all(above is not node for above in node.list_ancestors())
        inner = node.find_inner_request(iter(range(100)))
        assert inner is None or node in inner.list_ancestors()
        assert len(lineage) <= 6
    lineage.take_superseded()
