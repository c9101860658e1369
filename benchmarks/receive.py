"""`forge receive` under load: spans a second, what a kill costs, memory, and a peer beside it.

The sender is a process of its own with bodies that were made before, as exporters send them: 512
spans of 2 kB in each, by a few connections that stay open. What is acknowledged has to be in the
store or in its spool, whatever becomes of the receiver.

Phoenix, the peer, is measured where its command is found: see `benchmarks.peers.phoenix`.
"""

import multiprocessing
import re
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import psutil

from benchmarks.peers import phoenix
from benchmarks.spans import Body, Delivery, build_attributes, build_body, receiving, send

SPAN_BYTES = 2_048
SPANS_A_BODY = 512
CONNECTIONS = 4
BODIES = 60
WARM_BODIES = 8
"""Sent before: the process that reads bodies is started by the first one."""

RATE_LIMIT = 5_000.0
"""Spans a second that are acknowledged and stored at least, on two processors."""

KILLS = 5
KILLED_AFTER = 6
"""Bodies that are acknowledged when the receiver is killed, at least."""

FLOOD_BYTES = 1_000_000_000
FLOOD_BODY = 8_000_000
FLOOD_SPANS = 100
FLOOD_CONNECTIONS = 16
MEMORY_LIMIT_MB = 600.0
"""What the receiver takes at most under the flood."""

SINGLE_SPANS = 30


def main() -> int:
    """Print each figure; 1 if a promise is broken."""
    return int(not (measure_rate() & measure_kills() & measure_memory() & measure_peer()))


def measure_rate() -> bool:
    """Send bodies as fast as they are taken, and count what is stored."""
    attributes = build_attributes(SPAN_BYTES)
    bodies = [build_body(attributes, SPANS_A_BODY) for _ in range(BODIES + WARM_BODIES)]
    size = sum(len(body.content) for body in bodies) / len(bodies) / SPANS_A_BODY
    with _directory() as path, receiving(path) as (process, port):
        send(port, bodies[:WARM_BODIES], CONNECTIONS)
        before = _cpu_s(process.pid)
        delivery = _send_elsewhere(port, bodies[WARM_BODIES:])
        used = [after - then for then, after in zip(before, _cpu_s(process.pid), strict=True)]
        stored = len(_list_spans(path))
    spans = len(delivery.acknowledged) * SPANS_A_BODY
    rate = spans / delivery.seconds
    all_stored = stored == spans + WARM_BODIES * SPANS_A_BODY == len(bodies) * SPANS_A_BODY
    ok = rate >= RATE_LIMIT and all_stored
    print(f"{spans:,} spans of {size:,.0f} bytes: {rate:,.0f} a second, limit {RATE_LIMIT:,.0f};")
    verdict = "ok" if ok else "TOO SLOW" if all_stored else "SPANS LOST"
    shares = " + ".join(f"{share / spans * 1e6:.0f}" for share in used)
    print(f"  {shares} µs of processor time for each, {stored:,} stored: {verdict}")
    return ok


def measure_kills() -> bool:
    """Kill the receiver amid the load, several times, and look for what it acknowledged."""
    attributes = build_attributes(SPAN_BYTES)
    acknowledged: set[str] = set()
    with _directory() as path:
        for _ in range(KILLS):
            bodies = [build_body(attributes, SPANS_A_BODY) for _ in range(3 * KILLED_AFTER)]
            acknowledged |= _send_and_kill(path, bodies)
        kept = set(_list_spans(path)) | _list_waiting(path)
    lost = len(acknowledged - kept)
    verdict = "ok" if acknowledged and not lost else "SPANS LOST"
    print(f"{KILLS} kills amid the load: {len(acknowledged):,} spans acknowledged,", end=" ")
    print(f"{lost} lost: {verdict}")
    return bool(acknowledged) and not lost


def measure_memory() -> bool:
    """Flood the receiver with bodies near the largest that it takes."""
    attributes = build_attributes(FLOOD_BODY // FLOOD_SPANS)
    bodies = [build_body(attributes, FLOOD_SPANS) for _ in range(16)]
    sent = bodies * (FLOOD_BYTES // sum(len(body.content) for body in bodies) + 1)
    with _directory() as path, receiving(path) as (process, port):
        before = _peak_mb(process.pid)
        delivery = _send_elsewhere(port, sent, FLOOD_CONNECTIONS)
        peak = _peak_mb(process.pid)
        stored = len(set(_list_spans(path)))
    ok = peak <= MEMORY_LIMIT_MB and stored == len(bodies) * FLOOD_SPANS
    gigabytes = sum(len(sent[place].content) for place in delivery.acknowledged) / 1e9
    print(f"{gigabytes:.2f} GB in {len(delivery.acknowledged)} bodies by", end=" ")
    print(f"{FLOOD_CONNECTIONS} connections: peak {peak:.0f} MB ({before:.0f} at rest),", end=" ")
    print(f"limit {MEMORY_LIMIT_MB:.0f};")
    print(f"  {delivery.refused} times asked to send again, {stored} spans stored:", end=" ")
    print("ok" if ok else "NOT BOUNDED" if peak > MEMORY_LIMIT_MB else "SPANS LOST")
    return ok


def measure_peer() -> bool:
    """Send one span after another, and wait for the row of each; beside Phoenix, if it is there."""
    body = build_attributes(SPAN_BYTES)
    with _directory() as path, receiving(path) as (_, port):
        ours = _time_rows(port, body, lambda: len(_list_spans(path)))
    print(f"from a span to its row: forge {ours * 1000:.1f} ms", end="")
    command = phoenix.find_command()
    if command is None:
        print(f"; Phoenix is not installed: {phoenix.HOW_TO_GET.format('receive')}")
        return True
    with _directory() as path, phoenix.serve(command, path.parent) as server:
        database = phoenix.locate_database(path.parent)
        theirs = _time_rows(server.port, body, lambda: phoenix.count_spans(database))
    print(f", Phoenix {theirs * 1000:.1f} ms: {'ok' if ours <= theirs else 'SLOWER'}")
    return ours <= theirs


def _send_elsewhere(port: int, bodies: Sequence[Body], connections: int = CONNECTIONS) -> Delivery:
    """Send bodies by another process, which has them already."""
    context = multiprocessing.get_context("fork")
    results: Any = context.SimpleQueue()
    sender = context.Process(target=lambda: results.put(send(port, bodies, connections)))
    sender.start()
    delivery: Delivery = results.get()
    sender.join()
    return delivery


def _send_and_kill(path: Path, bodies: Sequence[Body]) -> set[str]:
    """Return the spans that were acknowledged."""
    with receiving(path) as (process, port):
        count = 0

        def kill_soon(_: int) -> None:
            nonlocal count
            count += 1
            if count == KILLED_AFTER:
                process.send_signal(signal.SIGKILL)

        delivery = send(port, bodies, CONNECTIONS, kill_soon)
    return {span_id for place in delivery.acknowledged for span_id in bodies[place].span_ids}


def _list_spans(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [span_id for (span_id,) in connection.execute("SELECT span_id FROM interactions")]


def _list_waiting(path: Path) -> set[str]:
    waiting: set[str] = set()
    for spool in path.parent.glob(f"{path.name}-spool*"):
        for line in spool.read_bytes().splitlines()[1:]:
            with suppress(orjson.JSONDecodeError, KeyError):
                waiting.add(orjson.loads(line)["row"]["span_id"])
    return waiting


def _list_processes(pid: int) -> list[psutil.Process]:
    receiver = psutil.Process(pid)
    return [receiver, *receiver.children(recursive=True)]


def _cpu_s(pid: int) -> list[float]:
    """Return the processor time of each of the receiver's processes, its own first."""
    times = [process.cpu_times() for process in _list_processes(pid)]
    return [float(spent.user + spent.system) for spent in times]


def _peak_mb(pid: int) -> float:
    """Return what the processes of the receiver took at most so far, added up."""
    return sum(_peak_of_mb(process.pid) for process in _list_processes(pid))


def _peak_of_mb(pid: int) -> float:
    """Return what a process took at most so far; what it takes now where nothing tells that."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            return int(found[1]) / 1000
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _time_rows(port: int, attributes: dict[str, object], count: Callable[[], int]) -> float:
    """Return the median of the seconds from sending a span to seeing its row."""
    durations = []
    for _ in range(SINGLE_SPANS):
        body = build_body(attributes, 1)
        before, started = count(), time.perf_counter()
        send(port, [body], 1)
        while count() == before:
            time.sleep(0.001)
        durations.append(time.perf_counter() - started)
    return median(durations)


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory, "forge.db")


if __name__ == "__main__":
    raise SystemExit(main())
