"""What a spool's header and lines say, and what is no entry."""

import pytest
from forge_obs.model.entries import Entry, build_entry, build_outcome, clean_columns
from forge_obs.spool.format import (
    HEADER_BYTES,
    decode_entry,
    decode_header,
    encode_entry,
    encode_header,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = "2026-11-24T00:00:00.000000Z"
TEXT = st.text()
COUNT = st.integers(0, 2**63 - 1)


@given(
    st.fixed_dictionaries(
        {"task_id": TEXT, "user_prompt": TEXT, "input_tokens": COUNT},
        optional={
            "response": TEXT,
            "latency_ms": st.floats(0, 1e300),
            "error": TEXT,
            "messages_json": st.just('{"input":[]}'),
            "session_id": TEXT,
            "first_token_ms": st.floats(0, 1e300),
            "usage_json": st.just('{"prompt_tokens":1}'),
        },
    )
)
def test_entry_comes_back_as_it_was(values: dict[str, object]) -> None:
    entry = build_entry("interactions", values)

    line = encode_entry(entry)

    assert line.count(b"\n") == 1
    assert decode_entry(line) == entry


def test_outcome_comes_back_as_it_was() -> None:
    fields = {"entry_id": "e", "outcome": "refused", "failed_checks": [{"check_name": "lint"}]}
    entry = build_outcome(fields, now=NOW)

    assert decode_entry(encode_entry(entry)) == entry


def test_outcome_of_no_call_is_no_entry() -> None:
    assert decode_entry(b'{"table":"call_facts","row":{"outcome":"refused"}}') is None


def test_line_of_an_older_version_is_a_row_without_facts() -> None:
    entry = decode_entry(b'{"table":"interactions","row":{"entry_id":"e","task_id":"t"}}')

    assert entry is not None
    assert (entry.row["task_id"], entry.row["messages_json"], entry.facts) == ("t", None, {})


def test_run_comes_back_as_it_was() -> None:
    entry = Entry("runs", clean_columns("runs", {"workflow_id": "w", "planned": 1}))

    assert decode_entry(encode_entry(entry)) == entry


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\xff",
        b'{"table":"interactions","row":{"task_id":"to',
        b'{"table":"sandwiches","row":{}}',
        b'{"table":["runs"],"row":{}}',
        b'{"table":"runs","row":[]}',
        b'{"table":"runs"}',
        b"[]",
        b"1",
    ],
)
def test_line_that_holds_no_entry_is_nothing(line: bytes) -> None:
    assert decode_entry(line) is None


@given(st.binary())
def test_garbage_never_raises(raw: bytes) -> None:
    decode_entry(raw)
    decode_header(raw[:HEADER_BYTES], len(raw))


def test_column_of_a_later_version_is_left_out() -> None:
    entry = decode_entry(b'{"table":"runs","row":{"workflow_id":"w","colour":"red"}}')

    assert entry == Entry("runs", clean_columns("runs", {"workflow_id": "w"}))


@given(st.integers(HEADER_BYTES, 2**50))
def test_header_keeps_its_length_and_its_position(position: int) -> None:
    header = encode_header(position)

    assert len(header) == HEADER_BYTES
    assert header.endswith(b"\n")
    assert decode_header(header, position) == position


@pytest.mark.parametrize("position", [0, 5, 1000, -1])
def test_position_outside_of_the_file_starts_over(position: int) -> None:
    assert decode_header(encode_header(position), 500) == HEADER_BYTES


def test_file_without_a_header_is_read_from_its_start() -> None:
    assert decode_header(b"garbage", 500) == 0
