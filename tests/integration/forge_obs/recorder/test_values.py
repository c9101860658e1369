"""record() takes any value: valid text comes back identical, the rest readably or not at all."""

import logging
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from http import HTTPMethod, HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import pytest
from forge_cli.app import call as forge
from forge_obs import (
    Interaction,
    get_backlog,
    get_interactions,
    get_run,
    list_recent_runs,
    open_reader,
    record,
    upgrade,
)
from forge_obs.model.columns import MAX_COUNT
from forge_obs.model.rows import INTERACTIONS, RUNS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store import interaction

untyped: Any = record

ANY_TEXT = st.text(st.characters(exclude_categories=()))
CONTROLS = "".join(map(chr, [*range(0x20), 0x7F, *range(0x80, 0xA0)]))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff\u200b"


class Hostile:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> object:
        if name in {"__class__", "__dict__"}:
            return object.__getattribute__(self, name)
        raise RuntimeError("sk-ant-secret")

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("sk-ant-secret")

    __str__ = __repr__ = __bool__ = __eq__ = __hash__ = __index__ = __len__ = __iter__ = _fail


class HostileText(str):
    __slots__ = ()

    def isascii(self) -> bool:
        raise RuntimeError("sk-ant-secret")

    __str__ = __repr__ = isascii  # type: ignore[assignment]


class HostileNumber(int):
    def __str__(self) -> str:
        raise RuntimeError("sk-ant-secret")

    __repr__ = __index__ = __int__ = __lt__ = __ge__ = __le__ = __gt__ = __str__  # type: ignore[assignment]


class HostileMapping(dict[str, object]):
    def items(self) -> Any:
        raise RuntimeError("sk-ant-secret")

    __iter__ = __len__ = get = items  # type: ignore[assignment]


class HostileModel:
    def model_dump(self) -> object:
        raise RuntimeError("sk-ant-secret")


class HostileStats:
    model_name = "m"

    @property
    def input_tokens(self) -> int:
        raise RuntimeError("sk-ant-secret")


class LeavingStats:
    model_name = "m"

    @property
    def input_tokens(self) -> int:
        raise SystemExit("sk-ant-secret")


class LeavingByTurns:
    """Raises whenever its figures are looked at a first, third or fifth time."""

    looks = 0

    @property
    def input_tokens(self) -> int:
        self.looks += 1
        if self.looks % 2:
            raise SystemExit("sk-ant-secret")
        return 1


HOSTILE: list[Callable[[], object]] = [
    Hostile,
    HostileText,
    HostileNumber,
    HostileMapping,
    HostileModel,
    HostileStats,
    LeavingStats,
    lambda: 10**5000,
    lambda: -(10**5000),
    lambda: nested(300, lambda inner: {"k": inner}),
    lambda: nested(100_000, lambda inner: [inner]),
    lambda: HTTPStatus.OK,
    lambda: {1: HTTPStatus.OK, 2: HTTPMethod.GET},
    lambda: {1: "int key", None: "no key", (1, 2): "tuple"},
    lambda: datetime(2026, 11, 3, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    lambda: datetime.max.replace(tzinfo=UTC),
    lambda: math.nan,
    lambda: -math.inf,
    lambda: Decimal("sNaN"),
    lambda: 2**63,
    lambda: -1,
    lambda: b"\xff\x00",
    lambda: "\ud800",
    lambda: object,
    lambda: (number for number in range(3)),
    lambda: None,
]
A_STORE = 10
"""Keywords that are tried on one store."""

KEYWORDS = [
    *(c.name for c in INTERACTIONS if not c.name.endswith("_json")),
    *("stats", "params", "context_stats", "context_manifest", "surprise"),
]


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


def nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = "deep"
    for _ in range(depth):
        value = wrap(value)
    return value


def stored(db: Path) -> list[Interaction]:
    engine = open_reader(db)
    assert engine is not None
    return get_interactions(engine)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(), response=st.text(), error=st.text())
def test_valid_text_comes_back_identical(db: Path, prompt: str, response: str, error: str) -> None:
    assert interaction(user_prompt=prompt, response=response, error=error)

    row = stored(db)[-1]
    assert (row.user_prompt, row.response, row.error) == (prompt, response, error)
    texts = {"user_prompt": prompt, "error": error, "response": response}
    noted = {note.partition(":")[0] for note in (row.notes or "").split("; ") if note}
    assert noted == {name for name, text in texts.items() if "\0" in text}


@pytest.mark.parametrize(
    "text", [CONTROLS, BIDI, "\x00", "a\x00b" * 999, "\r\n\t", "\U0001f600\u200d\U0010ffff"]
)
def test_control_and_invisible_characters_come_back_identical(db: Path, text: str) -> None:
    assert interaction(user_prompt=text, params={"t": text})

    [row] = stored(db)
    assert row.user_prompt == text
    assert orjson.loads(row.params_json or "") == {"t": text}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY_TEXT, document=st.recursive(ANY_TEXT | st.floats() | st.integers(), st.lists))
def test_any_text_and_any_document_are_stored_readably(
    db: Path, text: str, document: object
) -> None:
    assert interaction(user_prompt=text, params={"p": document}, surprise=document)

    row = stored(db)[-1]
    assert row.user_prompt == text.encode(errors="backslashreplace").decode()
    orjson.loads(row.params_json or "")
    orjson.loads(row.extra_json or "")


def test_fifty_megabytes_come_back_identical(db: Path) -> None:
    text = "0123456789abcdeé" * (50 * 1024 * 1024 // 17)

    assert interaction(user_prompt=text)

    assert stored(db)[0].user_prompt == text


@pytest.mark.parametrize("first", range(0, len(KEYWORDS), A_STORE))
def test_no_value_of_any_keyword_raises_costs_the_row_or_shows_in_the_log(
    db: Path, caplog: pytest.LogCaptureFixture, first: int
) -> None:
    for keyword in KEYWORDS[first : first + A_STORE]:
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            results = [interaction(**{keyword: make()}) for make in HOSTILE]

        assert results == [True] * len(HOSTILE), keyword
        assert "sk-ant" not in caplog.text, keyword
        assert len(caplog.messages) <= 2, keyword
    assert get_backlog(db).lost == 0
    assert not [row.broken for row in stored(db) if row.broken]


@pytest.mark.parametrize("keyword", ["task_id", "status", "result", "planned", "finished_at"])
def test_no_value_of_a_run_raises_or_costs_the_row(db: Path, keyword: str) -> None:
    for number, make in enumerate(HOSTILE):
        call = {"task_id": "t", "workflow_id": str(number), "status": "success"}
        assert untyped("run", **{**call, keyword: make()})

    engine = open_reader(db)
    assert engine is not None
    assert len(list_recent_runs(engine, 100)) == len(HOSTILE)


def test_value_that_raises_by_turns_costs_the_row_and_no_more(
    db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not interaction(stats=LeavingByTurns())

    assert get_backlog(db).lost == 1
    assert "sk-ant-secret" not in caplog.text


def test_interruption_by_the_user_passes(db: Path) -> None:
    class Interrupted:
        @property
        def model_name(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interaction(stats=Interrupted())

    assert get_backlog(db).lost == 0


def test_value_that_raises_is_dropped_with_a_note_and_one_warning(
    db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert interaction(params=HostileModel(), response="kept")

    row = stored(db)[0]
    assert (row.params_json, row.response) == (None, "kept")
    assert row.notes == "params: dropped, it raises"
    assert caplog.messages == ["record('interaction') dropped values that raise: 'params'"]


def test_text_whose_own_methods_raise_is_stored_for_what_it_says(db: Path) -> None:
    assert interaction(error=HostileText("x"), attempt=HostileNumber(7))

    row = stored(db)[0]
    assert (row.error, row.attempt, row.notes) == ("x", 7, None)


@pytest.mark.parametrize(
    ("fields", "column", "value", "note"),
    [
        ({"attempt": 2**63}, "attempt", MAX_COUNT, "attempt: over-large was capped"),
        ({"attempt": -3}, "attempt", 0, "attempt: negative became 0"),
        ({"attempt": 10**5000}, "attempt", MAX_COUNT, "attempt: over-large was capped"),
        ({"user_prompt": 10**5000}, "user_prompt", "over-large integer", "user_prompt: was int"),
        ({"user_prompt": b"a\xff"}, "user_prompt", "a\\xff", "user_prompt: was bytes"),
        ({"user_prompt": "a\ud800"}, "user_prompt", "a\\ud800", "user_prompt: lone surrogates"),
        ({"params": {1: "x"}}, "params_json", '{"1":"x"}', ""),
        ({"params": {"n": 2**90}}, "params_json", '{"n":"over-large integer"}', ""),
    ],
)
def test_value_that_does_not_fit_is_stored_readably(
    db: Path, fields: dict[str, object], column: str, value: object, note: str
) -> None:
    assert interaction(**fields)

    [row] = stored(db)
    assert getattr(row, column) == value
    assert note in (row.notes or "")


def test_document_that_is_too_deep_is_cut_with_a_note(db: Path) -> None:
    assert interaction(params=nested(300, lambda inner: {"k": inner}))

    [row] = stored(db)
    assert row.params_json is not None
    assert row.params_json.startswith('{"k":{"k":')
    assert '"..."' in row.params_json
    assert row.notes == "params: nested too deeply, cut"


def test_moment_with_a_zone_is_stored_in_utc(db: Path) -> None:
    east = timezone(timedelta(hours=5, minutes=45))
    moment = datetime(2026, 11, 3, 12, tzinfo=east)

    assert record("run", task_id="t", workflow_id="w", status="error", finished_at=moment)

    engine = open_reader(db)
    assert engine is not None
    found = get_run(engine, "w")
    assert found is not None
    assert found.finished_at == moment
    assert found.finished_at.utcoffset() == timedelta(0)


BROKEN = st.one_of(
    st.binary(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["9999-99-99", "-1", "[", "\x00", "\x1b[2J", '{"plan":[1]}', '{"steps":5}']),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_rows_of_another_writer_still_list_and_show(
    db: Path, capfd: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("DELETE FROM interactions")
        connection.execute("DELETE FROM runs")
        for table, columns in (("runs", RUNS), ("interactions", INTERACTIONS)):
            names = [column.name for column in columns]
            values = [data.draw(BROKEN, label=name) for name in names]
            values[names.index("workflow_id")] = "w"
            marks = ", ".join("CAST(? AS TEXT)" if isinstance(v, bytes) else "?" for v in values)
            connection.execute(
                f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
                values,
            )
        count = connection.execute("SELECT count(*) FROM interactions").fetchone()[0]

    assert len(stored(db)) == count
    assert forge(["status"]) == 0
    assert forge(["status", "--workflow-id", "w", "--verbose"]) in {0, 1}
    assert forge(["status", "--workflow-id", "w", "--verbose", "--json"]) in {0, 1}
    assert "Traceback" not in capfd.readouterr().err
