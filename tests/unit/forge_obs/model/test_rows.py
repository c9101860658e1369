"""Rows as they are read, sound or damaged."""

import math
from datetime import UTC, datetime

import pytest
from forge_obs.model.rows import (
    FACTS,
    INTERACTIONS,
    RUNS,
    Interaction,
    Run,
    load_interaction,
    load_run,
)


def test_objects_have_a_field_for_every_column() -> None:
    for cls, columns in ((Interaction, (*INTERACTIONS, *FACTS)), (Run, RUNS)):
        fields = list(cls.__dataclass_fields__)

        assert fields == ["id", *(column.name for column in columns), "broken"]


def test_moment_comes_back_in_utc() -> None:
    run = load_run({"id": 1, "created_at": "2026-11-03T10:00:00.000001Z"})

    assert run.created_at == datetime(2026, 11, 3, 10, 0, 0, 1, tzinfo=UTC)
    assert run.broken is None


def test_missing_columns_get_their_default() -> None:
    row = load_interaction({"id": 3, "task_id": "t"})

    assert (row.id, row.task_id, row.origin, row.response) == (3, "t", "provider", None)


def test_value_of_the_wrong_kind_marks_the_row_as_broken() -> None:
    row = load_interaction({"id": 1, "input_tokens": "lots", "created_at": "?", "role": "llm"})

    assert row.broken == "input_tokens: not an integer; created_at: not a time"
    assert (row.input_tokens, row.role) == (0, "llm")


def test_text_that_is_no_utf_8_is_shown_and_marked() -> None:
    row = load_interaction({"id": 1, "response": b"caf\xe9".decode("utf-8", "surrogateescape")})

    assert row.response == "caf\\udce9"
    assert row.broken == "response: not text"


@pytest.mark.parametrize("value", [math.inf, -math.inf, "fast", b"x"])
def test_real_that_is_no_finite_number_is_broken(value: object) -> None:
    row = load_interaction({"id": 1, "latency_ms": value})

    assert (row.latency_ms, row.broken) == (0.0, "latency_ms: not a finite number")
