"""Every fault, made for real: bounded, quiet, counted, and over when the fault is."""

import asyncio
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy.orm  # noqa: F401 - a child with another user's rights may not find it
from forge_obs import (
    Fate,
    breaker,
    delivery,
    flush,
    get_backlog,
    get_interactions,
    lost_count,
    open_reader,
    record,
    record_many,
    upgrade,
)
from forge_obs.spool import file as spool
from support.children import NOBODY, run_in_child
from support.faults import FAULTS, UNDER_AN_OPEN_CONNECTION, Fault
from support.store import eventually, locked

SECRET = "sk-ant-secret"
FOR_MANY = {
    *("no space: full tmpfs", "no space: file size limit"),
    *("locked", "table missing", "replaced"),
}
"""Faults that a batch meets; what is one entry's is also its own."""

BOUND_S = 20.0
"""No call takes as long, however slow the machine."""


@dataclass
class Log(logging.Handler):
    """Keeps what is logged."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    __hash__ = logging.Handler.__hash__


@dataclass
class Outcome:
    """What came of some calls."""

    stored: list[bool] = field(default_factory=list)
    longest_s: float = 0.0
    stall_s: float = 0.0
    ticks: int = 0


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a place for a database that a user without rights may own."""
    base = Path(tempfile.mkdtemp(prefix="forge-faults-"))
    (base / "state").mkdir(mode=0o700)
    if os.geteuid() == 0:
        for directory in (base, base / "state"):
            os.chown(directory, NOBODY, NOBODY)
    path = base / "state" / "forge.db"
    monkeypatch.setenv("FORGE_DB_PATH", str(path))
    yield path
    shutil.rmtree(base)


@pytest.fixture(scope="module", autouse=True)
def everything_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what is imported at first use: a user without rights may not read it."""
    asyncio.run(asyncio.to_thread(time.monotonic))
    upgrade(tmp_path_factory.mktemp("loaded") / "forge.db")


def interaction(task_id: str = "during") -> bool:
    return record(
        "interaction",
        task_id=task_id,
        role="llm",
        system_prompt="s" * 5000,
        user_prompt=SECRET,
        error=SECRET,
    )


async def call_for_a_while(number: int) -> Outcome:
    """Call from threads, as asynchronous code does, and watch the event loop meanwhile."""
    outcome = Outcome()

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            outcome.ticks += 1
            outcome.stall_s = max(outcome.stall_s, time.monotonic() - before - 0.005)

    watcher = asyncio.create_task(watch())
    for _ in range(number):
        before = time.monotonic()
        outcome.stored.append(await asyncio.to_thread(interaction))
        outcome.longest_s = max(outcome.longest_s, time.monotonic() - before)
    watcher.cancel()
    return outcome


def survives(fault: Fault, db: Path, *, opened: bool, strict: bool) -> bool:
    """Go through a fault in this process; raises AssertionError."""
    log = Log()
    logging.getLogger("forge_obs").addHandler(log)
    if not strict:
        delivery.DEADLINE_S = 0.2  # type: ignore[misc]
        breaker.FIRST_PAUSE_S = 0.1  # type: ignore[misc]
    if opened:
        assert interaction("before")
    loop = asyncio.new_event_loop()  # while there are descriptors
    undo = fault.make(db)
    try:
        outcome = loop.run_until_complete(call_for_a_while(6))
        failed = outcome.stored.count(False)
        counted = 0
        if fault.name != "no descriptors":
            backlog = get_backlog(db) if not fault.name.startswith("directory") else None
            counted = lost_count() if backlog is None else backlog.pending + backlog.lost
    finally:
        undo()
    if fault.name == "no descriptors":
        counted = get_backlog(db).pending + get_backlog(db).lost

    assert outcome.longest_s < (2.6 if strict else BOUND_S)
    assert not strict or outcome.stall_s < 0.05
    assert counted == failed, (get_backlog(db), lost_count(), outcome, log.lines)
    assert not fault.heals or not failed
    kinds = [re.sub(r"\d+ lost", "lost", line) for line in log.lines]
    assert len(kinds) == len(set(kinds)) <= 2, log.lines
    assert not any(SECRET in line for line in log.lines)
    assert eventually(lambda: interaction("after") and not get_backlog(db).pending)
    assert spool.read_backlog(db).lost == lost_count()
    engine = open_reader(db)
    assert engine is not None
    tasks = [row.task_id for row in get_interactions(engine)]
    assert tasks.count("during") >= failed - lost_count()
    assert "after" in tasks
    return True


def skip_where_impossible(fault: Fault) -> None:
    if fault.private and os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")


def user(fault: Fault) -> int | None:
    return NOBODY if fault.permission and os.geteuid() == 0 else None


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_met_by_a_new_process_is_survived(db: Path, fault: Fault) -> None:
    skip_where_impossible(fault)
    assert run_in_child(lambda: fill(db))

    assert run_in_child(lambda: survives(fault, db, opened=False, strict=False), uid=user(fault))


@pytest.mark.parametrize("fault", UNDER_AN_OPEN_CONNECTION, ids=str)
def test_fault_under_an_open_connection_is_survived(db: Path, fault: Fault) -> None:
    skip_where_impossible(fault)
    assert run_in_child(lambda: fill(db))

    assert run_in_child(lambda: survives(fault, db, opened=True, strict=False), uid=user(fault))


def survives_with_many(fault: Fault, db: Path) -> bool:
    """Go through a fault with many entries at a time in this process; raises AssertionError."""
    delivery.DEADLINE_S = 0.2  # type: ignore[misc]
    breaker.FIRST_PAUSE_S = 0.1  # type: ignore[misc]
    assert set(record_many(calls("before", 40))) == {Fate.STORED}
    undo = fault.make(db)
    try:
        fates = record_many(calls("during", 300))
    finally:
        undo()

    waiting, lost = fates.count(Fate.WAITING), fates.count(Fate.LOST)
    assert get_backlog(db).pending == waiting, (get_backlog(db), fates)
    assert lost_count() == lost
    assert not fault.heals or set(fates) == {Fate.STORED}
    assert eventually(
        lambda: record_many(calls("after", 2)) == [Fate.STORED] * 2 and not get_backlog(db).pending
    )
    engine = open_reader(db)
    assert engine is not None
    tasks = [row.task_id for row in get_interactions(engine)]
    assert tasks.count("during") >= fates.count(Fate.STORED) + waiting
    return True


def calls(task_id: str, number: int) -> list[dict[str, object]]:
    texts = {"system_prompt": "s" * 3000, "user_prompt": SECRET}
    return [{"task_id": task_id, "role": "llm", **texts} for _ in range(number)]


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in FOR_MANY], ids=str)
def test_fault_under_a_batch_is_survived(db: Path, fault: Fault) -> None:
    skip_where_impossible(fault)
    assert run_in_child(lambda: fill(db))

    assert run_in_child(lambda: survives_with_many(fault, db))


@pytest.mark.soak
@pytest.mark.parametrize("opened", [False, True], ids=["new", "open"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_keeps_its_deadline_and_the_event_loop_free(
    db: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, opened: bool
) -> None:
    if opened and fault not in UNDER_AN_OPEN_CONNECTION:
        pytest.skip("means nothing to an open connection")
    skip_where_impossible(fault)

    def once(attempt: int) -> bool:
        place = db.parent.parent / str(attempt) / "forge.db"
        place.parent.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(place.parent, NOBODY, NOBODY)
        monkeypatch.setenv("FORGE_DB_PATH", str(place))
        assert run_in_child(lambda: fill(place))
        return run_in_child(
            lambda: survives(fault, place, opened=opened, strict=True), uid=user(fault)
        )

    # Other programs of the machine only ever add to what is measured.
    assert any(once(attempt) for attempt in range(3))


def fill(db: Path) -> bool:
    """Make a database with some pages in it, for a user without rights."""
    upgrade(db)
    written = [interaction("old") for _ in range(20)]
    flush()
    if os.geteuid() == 0:
        os.chown(db, NOBODY, NOBODY)
    return all(written)


async def test_event_loop_turns_while_a_call_waits(db: Path) -> None:
    upgrade(db)
    assert interaction()
    with locked(db):
        outcome = await call_for_a_while(1)

    assert outcome.stored == [False]
    assert outcome.ticks >= 20
