"""The queue behind processors and hooks: nothing that happens to it is a matter of its host."""

import threading
from collections.abc import Callable

import pytest
from forge_obs.otel import background
from forge_obs.otel.background import BackgroundQueue


class _Work:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.batches: list[int] = []

    def __call__(self, batch: list[str]) -> bool:
        self.seen += batch
        self.batches += [len(batch)] if batch else []
        return False


class _Losses:
    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def __call__(self, number: int, reason: str) -> None:
        self.told.append((number, reason))


@pytest.fixture
def losses() -> _Losses:
    return _Losses()


def make_queue(work: Callable[[list[str]], bool], losses: _Losses) -> BackgroundQueue[str]:
    return BackgroundQueue(work, losses)


def test_items_of_many_threads_are_all_worked_off(losses: _Losses) -> None:
    work = _Work()
    queue = make_queue(work, losses)

    def put(thread: int) -> None:
        for number in range(500):
            queue.put(f"{thread}.{number}", 10)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert queue.flush(60)
    assert sorted(work.seen) == sorted(f"{t}.{n}" for t in range(4) for n in range(500))
    assert losses.told == []


def test_batches_are_bounded_in_bytes(losses: _Losses) -> None:
    work = _Work()
    queue = make_queue(work, losses)
    with queue._working:
        for _ in range(6):
            queue.put("x", background._BATCH_BYTES // 2)

    assert queue.flush(60)
    assert work.batches == [2, 2, 2]


def test_item_larger_than_the_bound_is_taken_where_nothing_waits(losses: _Losses) -> None:
    work = _Work()
    queue = make_queue(work, losses)

    queue.put("large", background.MOST_BYTES + 1)

    assert queue.flush(60)
    assert work.seen == ["large"]


def test_work_that_raises_costs_its_batch_alone(losses: _Losses) -> None:
    seen: list[str] = []

    def work(batch: list[str]) -> bool:
        if "bad" in batch:
            raise ValueError("not a span")
        seen.extend(batch)
        return False

    queue = make_queue(work, losses)
    queue.put("bad", 1)
    assert queue.flush(60)
    queue.put("good", 1)
    assert queue.flush(60)

    assert seen == ["good"]
    assert losses.told == [(1, "spans cannot be read: ValueError")]


def test_who_flushes_works_where_no_thread_can_be_begun(
    losses: _Losses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    work = _Work()
    queue = make_queue(work, losses)
    monkeypatch.setattr(threading.Thread, "start", refuse)

    queue.put("late", 1)

    assert queue.flush(60)
    assert work.seen == ["late"]


class _Slow(BackgroundQueue[str]):
    """Works off one item in the time that a process waits, until it is stuck."""

    stuck_at = 0

    def wake(self) -> None:
        """Begin no thread."""

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002
        if len(self._items) > self.stuck_at:
            self._items.popleft()
        return not self._items


@pytest.mark.parametrize(("stuck_at", "lost"), [(0, []), (3, [(3, "the process ended")])])
def test_end_of_a_process_waits_as_long_as_the_queue_gets_shorter(
    stuck_at: int, lost: list[tuple[int, str]], losses: _Losses
) -> None:
    queue = _Slow(lambda _: False, losses)
    queue.stuck_at = stuck_at
    for number in range(10):
        queue.put(str(number), 1)

    queue._end()

    assert losses.told == lost
