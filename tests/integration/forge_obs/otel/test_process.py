"""What happens to the process of a host: its start, its forks and its end."""

from pathlib import Path

import pytest
from forge_obs import get_backlog, upgrade
from support.host_program import run_host
from support.spans import list_calls

HOST = """
import os, sys, threading
from opentelemetry.sdk.trace import TracerProvider
from forge_obs.otel import ForgeSpanProcessor

provider = TracerProvider()
provider.add_span_processor(ForgeSpanProcessor("host"))
tracer = provider.get_tracer("openai")

def ask(name, **more):
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": name,
                  "gen_ai.provider.name": "p", **more}
    return tracer.start_span("chat", attributes=attributes)

def count_threads():
    return sum(thread.name == "forge-otel" for thread in threading.enumerate())
"""


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


def models(db: Path) -> list[str]:
    assert get_backlog(db).lost == 0
    return sorted(str(call.request_model).removeprefix("p:") for call in list_calls(db))


def test_process_that_just_ends_leaves_no_call_behind(db: Path) -> None:
    run_host(HOST + "for number in range(300): ask(f'{number:03}').end()\nask('open')")

    assert models(db) == [f"{number:03}" for number in range(300)] + ["open"]


def test_span_that_ends_after_the_provider_is_shut_down_harms_nothing(db: Path) -> None:
    run_host(
        "import atexit\nlate = []\natexit.register(lambda: [span.end() for span in late])\n"
        + HOST
        + "late.append(ask('open'))"
    )

    assert models(db) == ["open"]


def test_nothing_is_started_before_the_first_request(db: Path) -> None:
    run_host(
        HOST
        + """
for _ in range(100):
    tracer.start_span("SELECT", attributes={"db.system": "sqlite"}).end()
assert count_threads() == 0
assert "sqlalchemy" not in sys.modules
ask("m").end()
assert count_threads() == 1
"""
    )

    assert models(db) == ["m"]


def test_store_that_is_off_starts_nothing(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    run_host(HOST + "ask('m').end()\nassert count_threads() == 0\nprovider.shutdown()")

    assert list_calls(db) == []


def test_forked_workers_record_their_own_calls_and_no_others(db: Path) -> None:
    run_host(
        HOST
        + """
around = ask("around")
ask("before").end()
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        for call in range(20):
            ask(f"child {number}.{call:02}").end()
        sys.exit(0)  # as the workers of gunicorn end
    children.append(child)
ask("after").end()
around.end()
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    )

    own = [f"child {number}.{call:02}" for number in range(3) for call in range(20)]
    assert models(db) == sorted(["after", "around", "before", *own])


def test_fork_beside_threads_that_record_neither_hangs_nor_loses(db: Path) -> None:
    run_host(
        HOST
        + """
go_on = threading.Event()

def work(number):
    for call in range(60):
        ask(f"thread {number}.{call:02}").end()
        go_on.set()

threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
go_on.wait()
for number in range(3):
    child = os.fork()
    if child == 0:
        ask(f"child {number}").end()
        assert provider.force_flush()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
[thread.join() for thread in threads]
""",
    )

    threads = [f"thread {number}.{call:02}" for number in range(4) for call in range(60)]
    assert models(db) == sorted([*threads, "child 0", "child 1", "child 2"])


def test_process_of_multiprocessing_leaves_no_call_behind(db: Path) -> None:
    run_host(
        "import multiprocessing\n"
        + HOST
        + """
def work():
    ask("child").end()

ask("parent").end()
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
assert child.exitcode == 0
""",
    )

    assert models(db) == ["child", "parent"]


def test_killed_process_leaves_what_was_under_way_as_started(db: Path) -> None:
    run_host(
        HOST
        + """
import signal, time
from forge_obs import get_engine, get_interactions
span = ask("open")
while not get_interactions(get_engine(os.environ["FORGE_DB_PATH"])):
    time.sleep(0.01)
child = os.fork()
os.kill(os.getpid(), signal.SIGKILL) if child == 0 else os.waitpid(child, 0)
os._exit(0)
"""
    )

    assert [call.status for call in list_calls(db)] == ["started"]


def test_event_loop_of_gevent_is_no_hindrance(db: Path) -> None:
    pytest.importorskip("gevent")
    run_host(
        "from gevent import monkey; monkey.patch_all()\nimport gevent\n"
        + HOST
        + """
def work(number):
    span = ask(f"{number:02}")
    gevent.sleep(0.01)
    span.end()

gevent.joinall([gevent.spawn(work, number) for number in range(20)], raise_error=True)
assert provider.force_flush()
"""
    )

    assert models(db) == [f"{number:02}" for number in range(20)]


@pytest.mark.usefixtures("db")
def test_spans_of_the_hosts_database_driver_are_not_of_our_making() -> None:
    """A host that traces SQLite would else trace what the recorder does, for ever."""
    out = run_host(
        HOST
        + """
from opentelemetry import context
from forge_obs.database import writer

seen = []
write = writer.write_at
def spy(*args, **kwargs):
    seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
    return write(*args, **kwargs)
writer.write_at = spy
ask("m").end()
provider.force_flush()
print(seen)
"""
    )

    assert out == "[True]\n"
