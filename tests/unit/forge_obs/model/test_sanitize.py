"""Any value becomes fit for the database, and valid ones stay identical."""

import math
from collections import UserDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path

import orjson
import pytest
from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.sanitize import (
    clean_count,
    clean_flag,
    clean_real,
    clean_text,
    clean_time,
    json_column,
    to_json,
)
from forge_obs.stats import LLMStats
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from support.time_zone import local_time

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.decimals()
    | st.builds(object),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    name: str


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text of me")

    __repr__ = __str__


@given(st.text())
def test_valid_text_comes_out_identical(text: str) -> None:
    assert clean_text(text) == (text, None)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_encodable(text: str) -> None:
    clean, note = clean_text(text)

    clean.encode()
    assert (note is None) == (clean == text)


def test_lone_surrogate_becomes_a_visible_escape() -> None:
    assert clean_text("a\ud800b") == ("a\\ud800b", "lone surrogates escaped")


@given(ANYTHING)
def test_anything_becomes_text(value: object) -> None:
    clean_text(value)[0].encode()


@given(st.integers(0, MAX_COUNT))
def test_valid_count_comes_out_identical(number: int) -> None:
    assert clean_count(number) == (number, None)


@given(ANYTHING | st.integers())
def test_any_count_fits_into_sqlite(value: object) -> None:
    number, _ = clean_count(value)

    assert number is None or 0 <= number <= MAX_COUNT


@pytest.mark.parametrize(
    ("value", "number", "note"),
    [
        (-5, 0, "negative became 0"),
        (2**70, MAX_COUNT, "over-large was capped"),
        ("12", 12, "was str"),
        (1.9, 1, "was float"),
        ("lots", None, "not a number"),
        ("9" * 5000, None, "not a number"),
        (math.inf, None, "not a number"),
        (math.nan, None, "not a number"),
        (Decimal("1e99"), None, "not a number"),
        ([1], None, "not a number"),
    ],
)
def test_count_that_does_not_fit_is_noted(value: object, number: int | None, note: str) -> None:
    assert clean_count(value) == (number, note)


@given(ANYTHING)
def test_any_real_is_finite_and_not_negative(value: object) -> None:
    number, _ = clean_real(value)

    assert math.isfinite(number)
    assert number >= 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 10**400, "soon", None])
def test_real_that_does_not_fit_becomes_zero_with_a_note(value: object) -> None:
    number, note = clean_real(value)

    assert number == 0.0
    assert note is not None


def test_flag_is_one_or_zero_or_nothing() -> None:
    assert [clean_flag(value)[0] for value in (True, 0, "yes", 2)] == [1, 0, None, None]


def test_moment_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))

    assert clean_time(datetime(2026, 11, 3, 1, 2, 3, 4, east)) == (
        "2026-11-02T23:02:03.000004Z",
        None,
    )


def test_naive_moment_is_local_time() -> None:
    naive = datetime(2026, 11, 3)  # noqa: DTZ001 - that is the case

    with local_time("America/New_York"):
        moments = {clean_time(naive)[0], clean_time(naive.isoformat())[0]}

    assert moments == {"2026-11-03T05:00:00.000000Z"}


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        ("yesterday", "UTC"),
        (17, "UTC"),
        (datetime.max.replace(tzinfo=UTC), "UTC"),
        ("9999-12-31T23:00:00", "America/New_York"),
        ("0001-01-01T00:00:00", "Asia/Tokyo"),
    ],
)
def test_what_is_no_moment_never_raises(value: object, zone: str) -> None:
    with local_time(zone):
        clean_time(value)


@given(ANYTHING)
def test_anything_becomes_json(value: object) -> None:
    orjson.loads(to_json(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1))),
            '"2026-01-01T23:00:00.000000Z"',
        ),
        (math.nan, "null"),
        (Path("/a/b"), '"/a/b"'),
        (Colour.RED, '"red"'),
        (Point(1, "p"), '{"x":1,"name":"p"}'),
        (UserDict({"a": 1}), '{"a":1}'),
        (b"raw", '"raw"'),
        ({1: "x"}, '{"1":"x"}'),
        (Hostile(), '"<Hostile>"'),
        ({"key": SecretStr("s3cret")}, '{"key":"<SecretStr>"}'),
        ("a\ud800", '"a\\\\ud800"'),
        (2**70, f'"{2**70}"'.replace(str(2**70), "over-large integer")),
    ],
)
def test_json_of(value: object, text: str) -> None:
    assert to_json(value).decode() == text


def test_json_of_a_model_holds_its_fields() -> None:
    stats = LLMStats(model_name="m", input_tokens=1, output_tokens=2, latency_ms=3.0)

    assert orjson.loads(to_json({"stats": stats}))["stats"]["output_tokens"] == 2


def test_cycle_is_cut() -> None:
    circle: list[object] = []
    circle.append(circle)

    assert orjson.loads(to_json(circle)) == ["..."]


def test_json_text_stays_as_it_is() -> None:
    assert json_column('{"b": 1,  "a": 2}') == ('{"b": 1,  "a": 2}', None)
    assert json_column(b"[1]") == ("[1]", None)


def test_text_that_is_no_json_becomes_a_json_string() -> None:
    assert json_column("not json") == ('"not json"', "was no JSON")


def test_nan_inside_a_document_is_noted() -> None:
    assert json_column({"a": math.nan, "b": None}) == (
        '{"a":null,"b":null}',
        "non-finite number became null",
    )


@pytest.mark.parametrize("kind", [Point, LLMStats, int])
def test_class_in_a_document_is_named(kind: type) -> None:
    assert orjson.loads(to_json({"temperature": 0.5, "kind": kind})) == {
        "temperature": 0.5,
        "kind": f"<class {kind.__name__}>",
    }
