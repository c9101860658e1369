"""What this process knows about itself and others."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import RFC_4122, UUID

import pytest
from forge_obs.environment import process
from forge_obs.environment.process import (
    get_db_path,
    get_now,
    get_owner,
    get_process_start,
    is_alive,
    make_entry_id,
)
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


def test_now_is_the_time_of_the_system_to_the_microsecond() -> None:
    before = datetime.now(UTC)

    shown = get_now()

    assert before <= datetime.fromisoformat(shown) <= datetime.now(UTC)
    assert shown.endswith("Z")
    assert len(shown) == len("2026-01-01T00:00:00.000000Z")


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (999_999_999, "1970-01-01T00:00:00.999999Z"),
        (1_709_164_800_000_001_000, "2024-02-29T00:00:00.000001Z"),
        (-1_000, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_have_one_form(ns: int, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: ns)

    assert get_now() == shown


def test_entry_ids_are_random_uuids() -> None:
    ids = [make_entry_id() for _ in range(1000)]

    assert all(UUID(found).version == 4 for found in ids)
    assert all(UUID(found).variant == RFC_4122 for found in ids)
    assert all(UUID(found).hex == found for found in ids)
    assert {found[16] for found in ids} == set("89ab")
    assert len(set(ids)) == len(ids)
