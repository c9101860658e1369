"""A damaged directory gives each call its own texts or says why not, and loses none of them."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_obs import (
    CallQuery,
    StoreReader,
    StoreUnreadable,
    TextSearch,
    archive,
    check_store,
    flush,
    import_store,
    prune,
    unarchive,
)
from forge_obs.model.frames import ARCHIVED
from support.records import record_run
from support.store import interaction

OLD = datetime.now(UTC) - timedelta(days=30)
CALLS = 4

Directory = dict[str, Any]
Texts = dict[int, dict[str, object]]


@pytest.fixture
def db(private_environment: Path) -> Path:
    """A store with one frame of calls whose texts are told apart by their lengths alone."""
    path = private_environment / "forge.db"
    record_run("w", finished_at=OLD, created_at=OLD)
    for number in range(CALLS):
        assert interaction(
            workflow_id="w",
            system_prompt=f"system {number}",
            user_prompt=f"question {number} ",
            response=None if number == 1 else f"answer {number}",
            context_manifest=[{"path": f"{number}.py"}],
            created_at=OLD,
        )
    flush()
    assert archive(path, datetime.now(UTC)).frames == 1
    return path


def execute(db: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(db)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def read_directory(db: Path) -> str:
    [(text,)] = execute(db, "SELECT directory_json FROM archives")
    return str(text)


def write_directory(db: Path, directory: str | bytes) -> None:
    execute(db, "UPDATE archives SET directory_json = CAST(? AS TEXT)", directory)


def unseal(db: Path) -> None:
    """Make the frame one of before, whose directory has no digest."""
    directory = json.loads(read_directory(db))
    del directory["digest"]
    write_directory(db, json.dumps(directory, separators=(",", ":")))


def open_store(db: Path) -> StoreReader:
    reader = StoreReader.open(db)
    assert reader is not None
    return reader


def read_texts(reader: StoreReader) -> tuple[Texts, set[int]]:
    """Read the texts of the calls that can be read, and the numbers of those that cannot."""
    rows = list(reader.iterate_rows("interactions"))
    sound = {
        row.id or 0: {name: getattr(row, name) for name in ARCHIVED}
        for row in rows
        if not row.broken
    }
    return sound, {row.id or 0 for row in rows if row.broken}


def swap(directory: Directory, first: int, second: int, place: int) -> None:
    rows = directory["rows"]
    rows[first][place], rows[second][place] = rows[second][place], rows[first][place]


DAMAGE: dict[str, Callable[[Directory], object]] = {
    "numbers swapped": lambda d: swap(d, 0, 1, 0),
    "lengths swapped": lambda d: swap(d, 0, 1, 3),
    "rows in another order": lambda d: d["rows"].reverse(),
    "lengths moved to the next text": lambda d: d["rows"][0].__setitem__(slice(1, 3), [7, 12]),
    "lengths moved to the next row": lambda d: [
        d["rows"][0].__setitem__(1, 7),
        d["rows"][1].__setitem__(1, 9),
    ],
    "columns swapped": lambda d: d["columns"].reverse(),
    "a column unknown": lambda d: d["columns"].__setitem__(2, "answer"),
    "a row twice": lambda d: d["rows"].append(d["rows"][0]),
    "a row left out": lambda d: d["rows"].pop(),
    "a number of no row": lambda d: d["rows"][0].__setitem__(0, 99),
    "a number of another row": lambda d: d["rows"][0].__setitem__(0, 2),
    "no rows": lambda d: d["rows"].clear(),
}

UNNOTICED_BEFORE = {
    *("numbers swapped", "lengths swapped", "rows in another order"),
    *("lengths moved to the next text", "lengths moved to the next row"),
}
"""What adds up, and that a directory without a digest cannot tell from what is right."""


def corrupt(db: Path, damage: str) -> None:
    directory = json.loads(read_directory(db))
    DAMAGE[damage](directory)
    write_directory(db, json.dumps(directory, separators=(",", ":")))


CASES = [
    pytest.param(damage, is_sealed, id=f"{damage}, {'with a digest' if is_sealed else 'without'}")
    for damage in DAMAGE
    for is_sealed in (True, False)
    if is_sealed or damage not in UNNOTICED_BEFORE
]


@pytest.mark.parametrize(("damage", "is_sealed"), CASES)
def test_damage_is_said_and_nothing_is_lost(
    db: Path, tmp_path: Path, damage: str, *, is_sealed: bool
) -> None:
    before, _ = read_texts(open_store(db))
    if not is_sealed:
        unseal(db)
    sound = read_directory(db)
    corrupt(db, damage)

    texts, broken = read_texts(open_store(db))
    hits = list(open_store(db).calls.find(CallQuery(), TextSearch("question")))
    imported = import_store(tmp_path / "other.db", db)

    assert texts.items() <= before.items()
    assert broken == before.keys() - texts.keys() != set()
    assert {hit.id for hit in hits if hit.broken is None} <= texts.keys()
    assert (imported.calls, imported.unreadable) == (len(texts), len(broken))
    assert any(line.startswith("archive 1: ") for line in check_store(db).damage)
    with pytest.raises(
        StoreUnreadable, match=r"archive 1: its|archive 1: .* of its calls are not in"
    ):
        unarchive(db)
    write_directory(db, sound)
    assert read_texts(open_store(db)) == (before, set())
    assert unarchive(db).calls == CALLS
    assert read_texts(open_store(db)) == (before, set())


@pytest.mark.parametrize("is_sealed", [True, False], ids=["with a digest", "without"])
def test_no_flipped_bit_gives_a_call_the_text_of_another(db: Path, *, is_sealed: bool) -> None:
    before, _ = read_texts(open_store(db))
    if not is_sealed:
        unseal(db)
    sound = read_directory(db).encode()
    for place in range(0, len(sound), 3 if is_sealed else 1):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        write_directory(db, bytes(damaged))

        texts, broken = read_texts(open_store(db))

        assert texts.items() <= before.items(), damaged
        assert broken == before.keys() - texts.keys() != set(), damaged
        if place % 60 == 0:
            assert check_store(db).damage, damaged
            with pytest.raises(StoreUnreadable, match="archive 1: "):
                unarchive(db)


def test_pruning_leaves_no_text_of_a_call_whose_number_is_damaged(db: Path) -> None:
    unseal(db)
    corrupt(db, "a number of no row")

    deleted = prune(db, datetime.now(UTC)).deleted

    assert deleted.calls == CALLS
    assert execute(db, "SELECT * FROM archives") == []


def test_pruning_some_leaves_the_others_their_texts(db: Path) -> None:
    unseal(db)
    record_run("young", finished_at=datetime.now(UTC))
    execute(
        db,
        "UPDATE interactions SET workflow_id = 'young', created_at = ? WHERE id = 2",
        "2999-01-01T00:00:00Z",
    )
    before, _ = read_texts(open_store(db))
    corrupt(db, "a number of no row")

    assert prune(db, datetime.now(UTC) - timedelta(days=1)).deleted.calls == CALLS - 1

    assert read_texts(open_store(db)) == ({2: before[2]}, set())


def test_swapped_frames_are_no_frames_of_their_calls(db: Path) -> None:
    record_run("later", finished_at=OLD, created_at=OLD)
    assert interaction(workflow_id="later", user_prompt="question 9", created_at=OLD)
    flush()
    assert archive(db, datetime.now(UTC)).frames == 1
    execute(db, "UPDATE archives SET id = 3 - id + 10")
    execute(db, "UPDATE archives SET id = id - 10")

    texts, broken = read_texts(open_store(db))

    assert (texts, len(broken)) == ({}, CALLS + 1)
    assert len(check_store(db).damage) == 2
