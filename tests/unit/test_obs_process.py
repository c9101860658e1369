"""What this process knows about itself and others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forge_obs import process
from forge_obs.process import get_db_path, get_owner, get_process_start, is_alive
from support.children import run_in_child


def test_this_process_is_alive() -> None:
    owner = get_owner()

    assert (owner.pid, owner.host) == (os.getpid(), os.uname().nodename)
    assert is_alive(owner.pid, owner.start)


def test_process_with_another_start_is_another_process() -> None:
    assert not is_alive(os.getpid(), "another start")


def test_child_of_a_fork_is_an_owner_of_its_own() -> None:
    parent = get_owner()

    assert run_in_child(lambda: get_owner().pid == os.getpid() != parent.pid)


def test_process_that_ended_is_gone_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    start = get_process_start(child.pid)
    assert child.stdout
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not is_alive(child.pid, start)
    child.stdout.close()
    child.wait(timeout=10)


def test_without_proc_ps_tells_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_start_from_proc", process._start_from_ps)
    if get_process_start(os.getpid()) is None:
        pytest.skip("there is no ps here")

    assert is_alive(os.getpid(), get_process_start(os.getpid()))
    assert get_process_start(2**22 + 1) is None


def test_tilde_is_expanded(private_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "~/x.db")

    assert get_db_path() == private_environment / "x.db"


def test_path_below_the_home_of_another_user_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "~alice/x.db")
    monkeypatch.chdir(tmp_path)

    assert get_db_path() == tmp_path / "~alice" / "x.db"


def test_empty_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGE_DB_PATH")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "")

    monkeypatch.setattr(process, "_registered_home", lambda: "/home/registered")

    assert get_db_path() == Path("/home/registered/.local/state/forge/forge.db")
