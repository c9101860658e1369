"""A bounded queue that a thread of ours works off, so that a host program never waits.

Whatever the host does meanwhile: it may fork, end, or be at its end already, when no thread can be
started any more. What the work raises costs one batch, hence a broad `except` clause.

See D95.
"""

import atexit
import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Event, RLock, Thread
from typing import Final, Generic, TypeVar

from forge_obs.fork_lock import renew_in_child

Item = TypeVar("Item")

MOST_ITEMS: Final = 10_000
"""How many items wait at most."""

MOST_BYTES: Final = 64_000_000
"""How many bytes they take at most; one that is larger is taken where nothing waits."""

GATHER_S: Final = 0.05
"""How long to let more items gather, in seconds."""

EXIT_S: Final = 10.0
"""How long the end of a process waits for a queue that gets no shorter, in seconds."""

_BATCH_ITEMS: Final = 250
_BATCH_BYTES: Final = 8_000_000
_PAUSE_S: Final = 0.002


class BackgroundQueue(Generic[Item]):
    """Takes items from any thread; one thread, begun with the first, hands them to `work`.

    Locks are reentrant: a signal handler may come while its own thread has them.

    Args:
        work: Takes a batch, which may be empty; returns whether to be called again soon.
        lose: Is told how many items were lost, in the same thread as `work`.
    """

    def __init__(
        self, work: Callable[[list[Item]], bool], lose: Callable[[int, str], None]
    ) -> None:
        self._work = work
        self._lose = lose
        self._ends_with_process = False
        self._renew()
        renew_in_child(self._renew)

    def _renew(self) -> None:
        """Begin anew; in a child, where what is queued is left to its parent."""
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._overflow = 0
        self._asked = 0
        self._answered = 0
        self._thread: Thread | None = None
        self._lock = RLock()
        self._working = RLock()
        self._something = Event()
        self._hurry = Event()

    def put(self, item: Item, size: int) -> None:
        """Queue an item of that many bytes; without room for it, it is lost."""
        with self._lock:
            waiting = len(self._items)
            if waiting >= MOST_ITEMS or (waiting and self._bytes + size > MOST_BYTES):
                self._overflow += 1
            else:
                self._items.append((item, size))
                self._bytes += size
        self.wake()

    def wake(self) -> None:
        """Have `work` called soon, with whatever is queued."""
        if not self._something.is_set():
            self._something.set()
        if self._thread is None:
            self._start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that is queued was worked off; False if that takes longer."""
        with self._lock:
            self._asked += 1
            asked = self._asked
        thread = self._thread
        if thread is None or not thread.is_alive():
            return self._work_here(timeout_s)
        self._hurry.set()
        self._something.set()
        deadline = time.monotonic() + timeout_s
        while self._answered < asked:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        return True

    def _work_here(self, timeout_s: float) -> bool:
        """Work off what is queued in the calling thread, since there is none for it."""
        if not self._working.acquire(timeout=max(0.0, timeout_s)):
            return False
        try:
            self._work_off()
        finally:
            self._working.release()
        return True

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = Thread(target=self._run, name="forge-otel", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter ends: whoever flushes does the work
            self._thread = thread
            self._end_with_process()

    def _end_with_process(self) -> None:
        """Have the queue worked off when the process ends, also one of `multiprocessing`."""
        if not self._ends_with_process:
            self._ends_with_process = True
            atexit.register(self._end)
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # whose processes end by `os._exit`, without the other one
            util.Finalize(None, self._end, exitpriority=0)

    def _end(self) -> None:
        """Wait for what is queued as long as it gets less; what is left then is lost."""
        left = len(self._items) + 1
        while not self.flush(EXIT_S) and len(self._items) < left:
            left = len(self._items)
        if self._items:
            self._lose(len(self._items), "the process ended")

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._hurry.wait(GATHER_S)
            with self._working:
                if self._work_off():
                    self._something.set()

    def _work_off(self) -> bool:
        """Hand over what is queued now; returns whether to do so again soon."""
        self._hurry.clear()
        self._something.clear()
        asked, left = self._asked, len(self._items)
        while True:
            batch, overflow = self._take_batch(left)
            left -= len(batch)
            is_wanted = self._hand_over(batch, overflow)
            if left <= 0 or not batch:
                break
        self._answered = asked
        return is_wanted

    def _take_batch(self, most: int) -> tuple[list[Item], int]:
        batch: list[Item] = []
        size = 0
        with self._lock:
            overflow, self._overflow = self._overflow, 0
            while self._items and len(batch) < min(most, _BATCH_ITEMS) and size < _BATCH_BYTES:
                item, taken = self._items.popleft()
                batch.append(item)
                size += taken
            self._bytes -= size
        return batch, overflow

    def _hand_over(self, batch: list[Item], overflow: int) -> bool:
        try:
            if overflow:
                self._lose(overflow, "the queue of spans is full")
            return self._work(batch)
        except Exception as error:
            self._lose(len(batch), f"spans cannot be read: {type(error).__name__}")
            return False
