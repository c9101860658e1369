"""A test session fails where something of its tests outlives it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import leftovers
from support.children import is_alive

CONFTEST = """
from support import leftovers
from support.leftovers import *
leftovers.GRACE_S = 0.3
"""
PLANTED = """
import subprocess
def test_that_leaves_a_process_behind(tmp_path):
    subprocess.run(["sh", "-c", "sleep 1000 & echo $! > ../../pid"], cwd=tmp_path, check=True)
"""
STUCK = """
import threading
def test_that_leaves_a_thread_behind():
    threading.Thread(target=threading.Event().wait, name="stuck").start()
"""
HARMLESS = """
def test_that_leaves_nothing(tmp_path):
    pass
"""


def run_session(directory: Path, test: str) -> "subprocess.CompletedProcess[str]":
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_it.py").write_text(test)
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--basetemp",
        str(directory / "base"),
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(directory)],
        env={**os.environ, "PYTHONPATH": str(Path(leftovers.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_process_that_is_left_behind_is_named_and_ended(tmp_path: Path) -> None:
    done = run_session(tmp_path, PLANTED)

    pid = int((tmp_path / "pid").read_text())
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert f"tests have left behind:\n  process {pid}: sleep 1000" in done.stdout
    assert not is_alive(pid)


def test_session_that_leaves_nothing_passes(tmp_path: Path) -> None:
    done = run_session(tmp_path, HARMLESS)

    assert done.returncode == pytest.ExitCode.OK, done.stdout


def test_thread_that_is_left_behind_is_named_and_does_not_hold_the_session(tmp_path: Path) -> None:
    done = run_session(tmp_path, STUCK)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "tests have left behind:\n  <Thread(stuck" in done.stdout
    assert "1 passed, 1 error" in done.stdout
