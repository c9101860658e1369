"""Rows of many threads go to one writer: together where they meet, each with its own outcome."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from forge_obs.database.commits.group_commit import LONG_ROW, MOST_ROWS, Commit, GroupCommit, _Group
from forge_obs.errors import StoreUnavailable
from forge_obs.fork_lock import ForkLock
from support.waiting import wait_until

DEADLINE_S = 30.0


def row(name: str, *, statement: str = "insert", text: str = "") -> Commit:
    return Commit(statement, (name, text, text, text))


class Pen:
    """Writes groups, and can be kept from it meanwhile."""

    def __init__(self, settle: Callable[[Commit], None]) -> None:
        self.lock = ForkLock()
        self.groups: list[list[str]] = []
        self.rows = GroupCommit(self.lock, self._write, crowd=1)
        self._settle = settle
        self.threads = ThreadPoolExecutor(2 * MOST_ROWS)

    def _write(self, commits: Sequence[Commit], _timeout_s: float) -> None:
        self.groups.append([str(commit.values[0]) for commit in commits])
        for commit in commits:
            self._settle(commit)

    def commit_at_once(self, *rows: Commit) -> list["Future[bool]"]:
        """Commit rows by a thread each, which all have come before the first is written."""
        with self.lock.held(10.0):
            found = []
            for wanted in rows:
                found.append(self.threads.submit(self.rows.commit, wanted, DEADLINE_S))
                wait_until(partial(self._has, wanted), "the row to arrive")
        return found

    def _has(self, wanted: Commit) -> bool:
        gathering = self.rows._gathering
        return gathering is not None and wanted in gathering.commits


def keep(commit: Commit) -> None:
    commit.is_at_path = True


def test_rows_that_meet_are_written_together() -> None:
    pen = Pen(keep)
    names = [f"row-{number}" for number in range(5)]

    found = pen.commit_at_once(*map(row, names))

    assert [future.result(DEADLINE_S) for future in found] == [True] * 5
    assert pen.groups == [names]


def test_leader_that_waits_for_company_goes_on_once_enough_have_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("forge_obs.database.commits.group_commit._GATHER_S", 10 * DEADLINE_S)
    group = _Group(row("first"))
    leader = Pen(keep).threads.submit(group.gather, 3)
    group.join(row("second"))

    wait_until(lambda: group._expected == 3, "the leader to wait")
    assert not leader.done()
    group.join(row("third"))
    leader.result(DEADLINE_S)


def test_row_that_is_alone_is_written_at_once() -> None:
    pen = Pen(keep)

    assert pen.rows.commit(row("only"), DEADLINE_S)
    assert pen.groups == [["only"]]


def test_group_takes_only_so_many_rows() -> None:
    pen = Pen(keep)

    found = pen.commit_at_once(*(row(str(number)) for number in range(MOST_ROWS + 3)))

    assert all(future.result(DEADLINE_S) for future in found)
    assert sorted(len(group) for group in pen.groups) == [3, MOST_ROWS]


def test_rows_of_different_statements_are_not_mixed() -> None:
    pen = Pen(keep)

    found = pen.commit_at_once(row("a"), row("b", statement="other"))

    assert all(future.result(DEADLINE_S) for future in found)
    assert sorted(pen.groups) == [["a"], ["b"]]


def test_few_threads_write_each_for_itself() -> None:
    pen = Pen(keep)
    rows = GroupCommit(pen.lock, pen._write, crowd=3)

    with pen.lock.held(10.0):
        found = [pen.threads.submit(rows.commit, row(name), DEADLINE_S) for name in "ab"]
        wait_until(lambda: len(rows._threads) == len(found), "the rows to arrive")

    assert all(future.result(DEADLINE_S) for future in found)
    assert sorted(pen.groups) == [["a"], ["b"]]


def test_long_row_goes_alone() -> None:
    pen = Pen(keep)
    with pen.lock.held(10.0):
        long = pen.threads.submit(pen.rows.commit, row("long", text="x" * LONG_ROW), DEADLINE_S)
        wait_until(lambda: pen.rows._threads, "the long row to arrive")
        assert pen.rows._gathering is None

    assert long.result(DEADLINE_S)


def test_each_row_has_its_own_failure() -> None:
    def settle(commit: Commit) -> None:
        if commit.values[0] == "bad":
            commit.error = ValueError("bad")
        else:
            commit.is_at_path = True

    good, bad, another = Pen(settle).commit_at_once(row("good"), row("bad"), row("another"))

    assert good.result(DEADLINE_S)
    assert another.result(DEADLINE_S)
    with pytest.raises(ValueError, match="bad"):
        bad.result(DEADLINE_S)


def test_failure_to_write_meets_one_thread_and_the_others_try_again() -> None:
    failures = iter([OSError("once")])

    def settle(commit: Commit) -> None:
        for failure in failures:
            raise failure
        commit.is_at_path = True

    pen = Pen(settle)
    first, second, third = pen.commit_at_once(row("first"), row("second"), row("third"))

    with pytest.raises(OSError, match="once"):
        first.result(DEADLINE_S)
    assert second.result(DEADLINE_S)
    assert third.result(DEADLINE_S)
    assert pen.groups[0] == ["first", "second", "third"]


def test_whoever_waits_too_long_is_told_and_the_others_go_on() -> None:
    pen = Pen(keep)
    with pen.lock.held(10.0):
        patient = pen.threads.submit(pen.rows.commit, row("patient"), DEADLINE_S)
        wait_until(lambda: pen.rows._gathering, "the first row to arrive")
        with pytest.raises(StoreUnavailable, match="busy in other threads"):
            pen.rows.commit(row("hasty"), 0.01)

    assert patient.result(DEADLINE_S)
