"""What belongs to the whole process is the host's: nothing of it is changed, nor believed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.host_program import CALL, run_host

STATE = """
import asyncio, decimal, faulthandler, gc, locale, logging, os, random, signal, socket, sqlite3, sys
import threading, time, warnings

def state():
    names = [n for n in logging.Logger.manager.loggerDict if not n.startswith("forge_obs")]
    loggers = [logging.getLogger(), *(logging.getLogger(n) for n in names if n in HOSTS)]
    umask = os.umask(0)
    os.umask(umask)
    return {
        "loggers": [(l.level, l.disabled, l.handlers[:], l.filters[:]) for l in loggers],
        "logging": (logging.root.manager.disable, logging.getLoggerClass()),
        "warnings": warnings.filters[:],
        "signals": [signal.getsignal(s) for s in sorted(signal.valid_signals())],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "timers": signal.getitimer(signal.ITIMER_REAL),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": umask,
        "place": os.getcwd(),
        "environment": dict(os.environ),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.callbacks[:]),
        "decimal": repr(decimal.getcontext()),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook),
        "tracing": (sys.gettrace(), sys.getprofile(), threading.gettrace()),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval(), threading.stack_size()),
        "imports": (sys.path[:], sys.meta_path[:], sys.path_hooks[:], sys.dont_write_bytecode),
        "random": random.getstate(),
        "sockets": socket.getdefaulttimeout(),
        "sqlite": (dict(sqlite3.adapters), dict(sqlite3.converters), sqlite3.connect),
        "asyncio": asyncio.get_event_loop_policy() if sys.version_info < (3, 14) else None,
        "faults": faulthandler.is_enabled(),
        "threads": [t for t in threading.enumerate() if not t.daemon],
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }

HOSTS = ("alembic", "alembic.runtime.migration", "sqlalchemy", "sqlalchemy.engine.Engine")
for name in HOSTS:
    logging.getLogger(name)
"""


def stored(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        return [
            str(t) for (t,) in connection.execute("SELECT task_id FROM interactions ORDER BY id")
        ]


def test_nothing_that_the_process_shares_is_changed(private_environment: Path) -> None:
    run_host(
        f"""{STATE}
import alembic, sqlalchemy, sqlalchemy.orm
before = state()
from forge_obs import *
from forge_obs import record
record("interaction", **{CALL})
record("run", task_id="t", workflow_id="w", status="success")
thread = threading.Thread(target=lambda: record("interaction", **{CALL}))
thread.start()
thread.join()
get_interactions(open_reader(sys.argv[1]))
back_up(sys.argv[1], sys.argv[1] + "-copy")
prune(sys.argv[1], __import__("datetime").datetime.now(__import__("datetime").UTC))
flush()
after = state()
changed = {{name: (before[name], after[name]) for name in before if before[name] != after[name]}}
assert not changed, changed
""",
        private_environment / "forge.db",
    )


HOSTS = {
    "strict habits": """
import datetime, decimal, gc, os, sqlite3, sys, warnings
warnings.simplefilter("error")
decimal.getcontext().prec = 1
decimal.getcontext().traps[decimal.Inexact] = True
gc.disable()
os.umask(0o777)
sys.settrace(lambda *_: None)
sys.setprofile(lambda *_: None)

def refuse(_):
    raise RuntimeError

for kind in (datetime.datetime, datetime.date, bool, dict, list):
    sqlite3.register_adapter(kind, refuse)
for name in ("TEXT", "BIGINT", "BOOLEAN", "FLOAT", "INTEGER"):
    sqlite3.register_converter(name, refuse)
""",
    "hooks around SQLite": """
import sqlite3, sys, warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    getattr(sqlite3, "enable_shared_cache", lambda _: None)(True)

def refuse(*_, **__):
    raise RuntimeError

sqlite3.connect = sqlite3.dbapi2.connect = refuse
seen = []
sys.addaudithook(lambda event, _: seen.append(event))
""",
    "log handler that records": f"""
import logging

class Handler(logging.Handler):
    def emit(self, line):
        from forge_obs import record
        record("interaction", **dict({CALL}, task_id="handler"))

logging.getLogger().addHandler(Handler())
logging.getLogger().setLevel(logging.DEBUG)
""",
    "frozen clock": "import time\ntime.time_ns = lambda: 0\ntime.time = lambda: 0.0\n",
}
"""What hosts do to their process; what does not get in each other's way, together."""


@pytest.mark.parametrize("host", HOSTS)
def test_host_with(host: str, private_environment: Path) -> None:
    db = private_environment / "forge.db"
    run_host(
        f"""{HOSTS[host]}
import sys
from forge_obs import StoreReader, flush, get_interactions, open_reader, record
assert record("interaction", **dict({CALL}, task_id="one", params={{"t": 0.5}}))
assert record("interaction", **dict({CALL}, task_id="two", unknown=1))
flush()
assert len(StoreReader.open(sys.argv[1]).get_interactions()) >= 2
assert len(get_interactions(open_reader(sys.argv[1]))) >= 2
""",
        db,
    )

    assert [task for task in stored(db) if task != "handler"] == ["one", "two"]
    assert db.stat().st_mode & 0o777 == 0o600


REFUSING = f"""
import sys
from forge_obs import get_backlog, record
assert record("interaction", **dict({CALL}, task_id="before"))

def refuse(event, args):
    if on and event in ("sqlite3.connect", "sqlite3.connect/handle", "open", "exec", "import"):
        raise RuntimeError(event)

on = False
sys.addaudithook(refuse)
on = True
{{use}}
on = False
assert not stored
for _ in range(400):
    if record("interaction", **dict({CALL}, task_id="after")):
        break
    __import__("time").sleep(0.05)
backlog = get_backlog(sys.argv[1])
print(backlog.pending, backlog.lost)
"""


def test_audit_hook_that_raises_costs_delay_or_is_counted(private_environment: Path) -> None:
    db = private_environment / "forge.db"
    use = f"from os import remove\nremove(sys.argv[1])\nstored = record('interaction', **{CALL})"

    pending, lost = map(int, run_host(REFUSING.format(use=use), db).split())

    assert pending == 0
    assert lost + len([task for task in stored(db) if task == "t"]) == 1


def test_deep_stack_never_raises(private_environment: Path) -> None:
    printed = run_host(
        f"""
import sys
from forge_obs import get_backlog, record
record("interaction", **{CALL})
sys.setrecursionlimit(200)
calls = 0

def dig():
    global calls
    calls += 1
    record("interaction", **dict({CALL}, task_id=str(calls)))
    dig()

try:
    dig()
except RecursionError:
    pass
sys.setrecursionlimit(1000)
from forge_obs import flush
flush()
backlog = get_backlog(sys.argv[1])
print(calls, backlog.pending, backlog.lost)
""",
        private_environment / "forge.db",
    )

    # With a few frames left nothing can be stored, and then not even be counted.
    calls, pending, lost = map(int, printed.split())
    kept = stored(private_environment / "forge.db")[1:]
    assert kept == [str(number + 1) for number in range(len(kept))]
    assert calls - 10 <= len(kept) + pending + lost <= calls


def test_call_at_the_end_of_the_program_is_stored(private_environment: Path) -> None:
    db = private_environment / "forge.db"
    run_host(
        f"""
import atexit
from forge_obs import record

def last(name):
    assert record("interaction", **dict({CALL}, task_id=name))

atexit.register(last, "registered before")
last("in the program")
atexit.register(last, "registered after")
""",
        db,
    )

    assert stored(db) == ["in the program", "registered after", "registered before"]
