"""The cache of sources saves work, survives damage and belongs to its user alone."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from forge_core.context.python_source import Import, ModuleSource
from forge_core.sources.cache import SourceCache, find_cache_path
from support.children import start_child, wait_for

SOURCES = {
    "one.py": ModuleSource((Import(1, "a", ("b",), ("c",)), Import(0, "d")), "def f(): ..."),
    "two": ModuleSource(fault="binary"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "forge" / "context.db"


def test_what_was_saved_is_loaded_by_another(path: Path) -> None:
    SourceCache(path).save(SOURCES)

    assert SourceCache(path).load(["one.py", "two", "three"]) == SOURCES


def test_more_names_than_fit_one_query_are_loaded(path: Path) -> None:
    many = {f"n{number}": ModuleSource(outline=str(number)) for number in range(1203)}
    SourceCache(path).save(many)

    assert SourceCache(path).load(many) == many


def test_cache_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        SourceCache(path).save(SOURCES)
    finally:
        os.umask(before)

    made = (path.parents[1], path.parent, *path.parent.iterdir())
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in made}
    assert modes.pop("new") == modes.pop("forge") == 0o700
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "content",
    [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["text", "torn"],
)
def test_damaged_cache_is_thrown_away_and_built_again(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    cache = SourceCache(path)

    assert cache.load(SOURCES) == {}
    cache.save(SOURCES)
    assert cache.load(SOURCES) == SOURCES


@pytest.mark.parametrize("imports", ["{", "[[1]]", "7", '[["x", 1, 2, 3]]'])
def test_entry_that_makes_no_sense_is_no_entry(path: Path, imports: str) -> None:
    SourceCache(path).save(SOURCES)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sources SET imports = ?", [imports])

    assert SourceCache(path).load(SOURCES) == {}


@pytest.mark.parametrize("place", ["directory", "link", "unwritable"])
def test_without_a_usable_file_there_is_no_cache_and_no_error(path: Path, place: str) -> None:
    path.parent.mkdir(parents=True)
    if place == "directory":
        path.mkdir()
    elif place == "link":
        path.symlink_to(path.parent / "elsewhere")
    else:
        path = Path("/proc/none/context.db")
    cache = SourceCache(path)

    cache.save(SOURCES)

    assert cache.load(SOURCES) == {}


def test_cache_stays_below_its_limit_and_keeps_what_is_used(path: Path) -> None:
    cache = SourceCache(path, size_limit_bytes=400_000)
    old = {f"old{number}": ModuleSource(outline="x" * 1000) for number in range(200)}
    cache.save(old)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sources SET used = used - 9")
    cache.load([f"old{number}" for number in range(10)])

    for turn in range(5):
        fresh = {f"{turn}-{number}": ModuleSource(outline="y" * 1000) for number in range(100)}
        cache.save(fresh)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if turn == 1:
            assert len(cache.load([f"old{number}" for number in range(10)])) == 10

    assert path.stat().st_size <= 400_000
    assert cache.load(["old199"]) == {}


def test_processes_write_at_the_same_time_and_lose_nothing(path: Path) -> None:
    def save(worker: int) -> bool:
        cache = SourceCache(path)
        for turn in range(20):
            cache.save({f"{worker}-{turn}": ModuleSource(outline=str(turn))})
        return True

    children = [start_child(lambda worker=worker: save(worker)) for worker in range(4)]  # type: ignore[misc]

    assert all([wait_for(child) for child in children])  # noqa: C419 - wait for each
    names = [f"{worker}-{turn}" for worker in range(4) for turn in range(20)]
    assert sorted(SourceCache(path).load(names)) == sorted(names)


@pytest.mark.parametrize(
    ("cache_home", "home", "expected"),
    [
        ("/c", "/h", "/c/forge/context.db"),
        ("", "/h", "/h/.cache/forge/context.db"),
        ("relative", "/h", "/h/.cache/forge/context.db"),
        ("", "", None),
    ],
)
def test_place_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, cache_home: str, home: str, expected: str | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", cache_home)
    monkeypatch.setenv("HOME", home)

    assert find_cache_path() == (Path(expected) if expected else None)
