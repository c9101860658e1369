"""Hosts that run on an event loop of another kind, where its package is installed."""

import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.host_program import CALL, run_host

GEVENT = f"""
from gevent import monkey
monkey.patch_all()
import gevent
from forge_obs import flush, observe, record

def work(number):
    with observe(task_id=f"block {{number}}", model="m") as call:
        gevent.sleep(0.01)
        call.answer("Hello.")
    assert record("interaction", **dict({CALL}, task_id=f"plain {{number}}"))

for done in [gevent.spawn(work, number) for number in range(20)]:
    done.get(timeout=60)
flush()
"""

UVLOOP = f"""
import asyncio
import uvloop
from forge_obs import flush, observe, record

async def work(number):
    async with observe(task_id=f"block {{number}}", model="m") as call:
        await asyncio.sleep(0.01)
        call.answer("Hello.")
    assert await asyncio.to_thread(
        lambda: record("interaction", **dict({CALL}, task_id=f"plain {{number}}"))
    )

async def main():
    assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
    await asyncio.gather(*(work(number) for number in range(20)))

uvloop.run(main())
flush()
"""


@pytest.mark.parametrize(("package", "program"), [("gevent", GEVENT), ("uvloop", UVLOOP)])
def test_calls_on_another_loop_are_complete(
    package: str, program: str, private_environment: Path
) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    db = private_environment / "forge.db"

    run_host(program, db)

    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute("SELECT task_id, status FROM interactions").fetchall()
    expected = {(f"{kind} {number}", "ok") for kind in ("block", "plain") for number in range(20)}
    assert sorted(rows) == sorted(expected)
