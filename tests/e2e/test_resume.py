"""A run survives whatever becomes of its processes, and is paid for once."""

import os
import random
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from forge_core.embedded_server.launch import LOOPBACK, ServerRecord, dump_record, parse_record
from forge_core.embedded_server.start import read_record
from forge_core.state_dir.files import StateFiles, run_directory
from forge_core.state_dir.locate import get_state_dir
from forge_obs.environment.process import get_process_start
from support.children import is_alive, running_stranger
from support.disks import fill, small_disk
from support.documents import validate
from support.forge import run_forge, running_forge
from support.forked import DEADLINE_S
from support.live import (
    ANSWERS,
    ON_WIRE,
    WRITERS,
    Gate,
    Held,
    end_gently,
    follow_plan,
    kill,
    list_units,
    read_calls,
    read_run,
    read_runs,
    run_options,
    slow_git,
)
from support.llm_server import Handler, LLMServer
from support.repository import git, make_repository
from support.script import write_script
from support.waiting import wait_until

shared = pytest.mark.usefixtures("shared_server")
own = pytest.mark.usefixtures("own_server")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that is this test's own, so that it may be killed; it ends with the test."""
    monkeypatch.setenv("FORGE_SERVER_IDLE_S", "60")
    yield
    assert run_forge("server", "stop").code == 0


@contextmanager
def model_server(handler: Handler) -> Iterator[LLMServer]:
    """Run a model server that the commands of the test ask."""
    with LLMServer(handler) as server, pytest.MonkeyPatch.context() as patch:
        server.configure(patch)
        yield server


def read_server() -> ServerRecord:
    record = read_record(StateFiles(get_state_dir()))
    assert record is not None
    return record


def list_answers(workflow_id: str) -> set[str]:
    """List the answers of a run that are kept on disk."""
    directory = StateFiles(get_state_dir()).answers / run_directory(workflow_id)
    return {path.name for path in directory.glob("*.json")}


def read_status(workflow_id: str) -> tuple[str, str | None]:
    run = run_forge("status", "--workflow-id", workflow_id, "--json").document["run"]
    return run["status"], run["resume"]


def resume(workflow_id: str) -> None:
    outcome = run_forge("resume", workflow_id, "--json")
    assert outcome.code == 0, outcome.stderr
    validate("run_outcome", outcome.document)


def assert_whole(repo: Path) -> None:
    """Check that a planned run did everything once and left nothing but its branch."""
    workflow_id = read_run().workflow_id
    subjects = git(repo, "log", "--format=%s", "main..forge/t").splitlines()
    assert len(subjects) == 3, subjects
    files = git(repo, "ls-tree", "--name-only", "forge/t").splitlines()
    assert files == sorted(["README.md", *(f"{name}.py" for name in WRITERS)])
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 2
    assert not (repo / ".forge-worktrees/.sub").exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""
    assert list_answers(workflow_id) == set()
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as store:
        query = "SELECT status, finished_at IS NOT NULL FROM runs WHERE workflow_id = ?"
        assert store.execute(query, [workflow_id]).fetchall() == [("success", 1)]
    paid = [(call.run_id, call.activity_id) for call in read_calls() if call.status == "ok"]
    assert len(paid) == len(set(paid)) == 5


@shared
def test_killed_run_is_interrupted_and_goes_on_without_paying_twice(repo: Path) -> None:
    held = Held("p", "q")
    with model_server(held) as server:
        with running_forge(*run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(4)
            process.kill()
            run = read_run()
            between = read_status(run.workflow_id)
            listed = run_forge("status").stdout
        held.let_go()
        resume(run.workflow_id)

        asked = list_units(server.exchanges)
    assert between == ("interrupted", f"forge resume {run.workflow_id}")
    assert "forge resume ID" in listed
    assert sorted(asked) == sorted(["plan", "first", "p", "q", "p", "q", "last"])
    statuses = [call.status for call in read_calls()]
    assert (statuses.count("ok"), statuses.count("started")) == (5, 2)
    assert read_run().owner_pid != run.owner_pid == process.pid
    shown = run_forge("status", run.workflow_id).stdout
    assert re.search("for requests whose outcome is unknown|while it was paused", shown), shown
    assert "or a pause" not in shown
    assert_whole(repo)


@shared
def test_answer_that_arrived_before_the_kill_is_not_asked_for_again(repo: Path) -> None:
    held = Held("first")
    with model_server(held) as server:
        with running_forge(*run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(2)
            workflow_id = read_run().workflow_id
            before = list_answers(workflow_id)
            held.let_go()
            wait_until(lambda: list_answers(workflow_id) - before, "the answer on disk")
            process.kill()
        resume(workflow_id)

        assert list_units(server.exchanges).count("first") == 1
    first = [call for call in read_calls() if call.step_id == "first"]
    assert [(call.status, call.activity_attempt) for call in first] == [("ok", 1)]
    assert_whole(repo)


@own
def test_run_goes_on_after_a_reboot_that_gave_its_ids_to_strangers(repo: Path, gate: Gate) -> None:
    files = StateFiles(get_state_dir())
    assert run_forge(*run_options(repo, *gate.options, "--no-wait")).code == 0
    gate.wait()
    run, server = read_run(), read_server()
    killed = (run.owner_pid or 0, server.pid, server.server_pid)
    with running_stranger() as stranger:
        for pid in killed:
            kill(pid)
        wait_until(lambda: not any(map(is_alive, killed)), "all to end")
        give_ids_away(files, run.workflow_id, stranger.pid)
        with socket.create_server((LOOPBACK, server.port)):
            gate.let_go()
            between = read_status(run.workflow_id)
            resume(run.workflow_id)
            moved = read_server().port

        assert stranger.poll() is None
    assert between == ("interrupted", f"forge resume {run.workflow_id}")
    assert moved != server.port
    assert_whole(repo)


def give_ids_away(files: StateFiles, workflow_id: str, pid: int) -> None:
    """Let all that is written down of killed processes name another one, of another boot."""
    files.owner(workflow_id).write_text(str(pid))
    record = parse_record(files.record.read_text())
    assert record is not None
    files.record.write_text(dump_record(replace(record, pid=pid, server_pid=pid)))
    for note in files.holders.iterdir():
        note.rename(note.with_name(f"{pid}-00000000"))
    start = (get_process_start(pid) or "").rpartition(":")[2]
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as store, store:
        store.execute("UPDATE runs SET owner_pid = ?, owner_start = ?", [pid, f"boot:{start}"])


@own
@pytest.mark.parametrize("part", ["server", pytest.param("supervisor", marks=pytest.mark.soak)])
def test_killed_server_is_replaced_while_the_run_goes_on(repo: Path, gate: Gate, part: str) -> None:
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        old = read_server()
        kill(old.server_pid if part == "server" else old.pid)
        wait_until(lambda: not is_alive(old.server_pid), "the server to end")
        gate.let_go()
        _, stderr = process.communicate()

    assert process.returncode == 0, stderr
    assert "starting it again" in stderr
    assert read_server().address == old.address
    assert_whole(repo)


@shared
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.soak),
    ],
)
def test_run_that_is_told_to_stop_goes_on_later(
    repo: Path, gate: Gate, number: signal.Signals
) -> None:
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        _, stderr = end_gently(process, number)
    gate.let_go()

    assert (process.returncode, stderr.count("paused at 0/3")) == (130, 1)
    resume(read_run().workflow_id)
    assert_whole(repo)


@shared
def test_second_interrupt_ends_the_command_at_once_with_one_document(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_script(tmp_path / "script.json", *ANSWERS)
    with (
        slow_git(tmp_path / "bin", monkeypatch) as slow,
        running_forge(*run_options(repo, "--model", model, "--json")) as process,
    ):
        slow.wait()
        process.send_signal(signal.SIGINT)
        while "interrupt again" not in process.stderr.readline():
            pass
        stdout, stderr = end_gently(process, signal.SIGINT)

    assert process.returncode == 130
    assert stdout.count("schema_version") == 1
    assert "forge resume" in stderr


@shared
@pytest.mark.soak
def test_run_waits_on_a_full_disk_and_goes_on_once_there_is_room(
    tmp_path: Path, gate: Gate
) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        repo = make_repository(disk / "repo", {"README.md": "# a repository\n"})
        with running_forge(*run_options(repo, *gate.options)) as process:
            gate.wait()
            ballast = fill(disk)
            gate.let_go()
            assert process.stderr is not None
            told = next(line for line in process.stderr if "the run is waiting: " in line)
            ballast.unlink()
            _, stderr = process.communicate()

        assert process.returncode == 0, stderr
        assert "No space left" in told or "Out of diskspace" in told
        assert_whole(repo)


@own
@pytest.mark.soak
def test_run_outlives_a_full_state_directory(
    repo: Path, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = random.Random(0).randbytes(100_000).hex()  # noqa: S311 - no secret
    (repo / "notes.txt").write_text(notes)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "notes")
    with small_disk(tmp_path / "disk", "24m") as disk:
        monkeypatch.setenv("XDG_STATE_HOME", str(disk))
        options = run_options(repo, *gate.options, "--context-file", "notes.txt")
        with running_forge(*options) as process:
            gate.wait()
            ballast = fill(disk)
            gate.let_go()
            _, stderr = process.communicate(timeout=DEADLINE_S)
        ballast.unlink()
        workflow_id = read_run().workflow_id

        assert process.returncode == 3
        assert f"make room, then forge resume {workflow_id} continues it" in stderr
        assert read_status(workflow_id) == ("interrupted", f"forge resume {workflow_id}")
        resume(workflow_id)
        assert git(repo, "log", "--format=%s", "main..forge/t").count("\n") == 2
        assert len([call for call in read_calls() if call.status == "ok"]) == 5
        run_forge("server", "stop")


@shared
def test_unknown_run_is_not_resumed() -> None:
    outcome = run_forge("resume", "forge-nothing-00000000", "--json")

    assert outcome.code == 1
    assert outcome.document["error"]["type"] == "UnknownWorkflow"


@shared
def test_run_without_waiting_is_served_by_a_process_that_ends_with_it(
    repo: Path, gate: Gate
) -> None:
    submitted = run_forge(*run_options(repo, *gate.options, "--no-wait", "--json"))
    document = submitted.document
    workflow_id = document["workflow_id"]
    listed = [run.workflow_id for run in read_runs()]
    gate.wait()
    worker = read_run().owner_pid or 0
    refused = run_forge("resume", workflow_id)
    leases = run_forge("server", "status", "--json").document["leases"]
    shown = read_status(workflow_id)
    session = os.getsid(worker)
    gate.let_go()
    wait_until(lambda: not is_alive(worker), "the worker to end")
    finished = run_forge("resume", workflow_id)

    assert (submitted.code, document["status"], shown) == (0, "running", ("running", None))
    assert listed == [workflow_id]
    assert session == worker
    assert {"pid": worker, "purpose": f"resume {workflow_id}"} in leases
    log = Path(document["log"]).read_text()
    assert [word in log for word in ("started on", "resumed on", "success")] == [True, False, True]
    assert (refused.code, finished.code) == (2, 2)
    assert f"is executed by process {worker}" in refused.error
    assert "has ended (completed)" in finished.error
    assert_whole(repo)


@shared
@pytest.mark.soak
def test_killed_detached_worker_leaves_a_run_that_goes_on(repo: Path, gate: Gate) -> None:
    assert run_forge(*run_options(repo, *gate.options, "--no-wait")).code == 0
    gate.wait()
    run = read_run()
    worker = run.owner_pid or 0
    kill(worker)
    wait_until(lambda: not is_alive(worker), "the worker to end")
    between = read_status(run.workflow_id)
    gate.let_go()

    assert between[0] == "interrupted"
    resume(run.workflow_id)
    assert_whole(repo)


@shared
def test_run_whose_task_id_went_to_another_is_refused_and_ends_without_touching_it(
    repo: Path, gate: Gate
) -> None:
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        workflow_id = read_run().workflow_id
        end_gently(process, signal.SIGINT)
    cleaned = run_forge("clean", "t", "--force", "--yes", "--repo", str(repo))
    orphaned = run_forge("resume", workflow_id)
    gate.let_go()
    assert run_forge(*run_options(repo, *gate.options)).code == 0
    head = git(repo, "rev-parse", "forge/t")

    refused = run_forge("resume", workflow_id)
    cancelled = run_forge("cancel", workflow_id)

    assert f"run {workflow_id} can no longer be resumed" in cleaned.stdout
    assert (orphaned.code, refused.code, cancelled.code) == (2, 2, 0)
    assert "its claim on task id 't' was removed" in orphaned.error
    assert "task id 't' now belongs to run forge-t-" in refused.error
    assert f"forge cancel {workflow_id} ends it" in refused.error
    assert "forge clean" not in cancelled.stdout
    assert git(repo, "rev-parse", "forge/t") == head
    assert git(repo / ".forge-worktrees/t", "status", "--porcelain") == ""


@shared
def test_run_that_had_not_made_its_worktree_goes_on_without_its_claim(
    repo: Path, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        slow_git(tmp_path / "slow", monkeypatch) as slow,
        running_forge(*run_options(repo, *gate.options)) as process,
    ):
        slow.wait()
        process.kill()
    clean = ("clean", "t", "--force", "--yes", "--repo", str(repo))
    wait_until(lambda: run_forge(*clean).code == 0, "git to let go of the worktree")
    gate.let_go()

    resume(read_run().workflow_id)

    assert_whole(repo)


@shared
@pytest.mark.parametrize("seed", range(2))
def test_run_killed_at_any_moment_goes_on(repo: Path, tmp_path: Path, seed: int) -> None:
    model = write_script(tmp_path / "script.json", *ANSWERS)
    with running_forge(*run_options(repo, "--model", model)) as process:
        wait_until(read_runs, "the run on record")
        kill_later(process.pid, random.Random(seed).uniform(0, 2))  # noqa: S311 - no secret
        process.wait()
    go_on_if_interrupted()

    assert_whole(repo)


@shared
@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_run_killed_at_any_moment_pays_for_no_answer_twice(repo: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    count = chance.randint(1, 5)
    with model_server(follow_plan) as server:
        with running_forge(*run_options(repo, *ON_WIRE)) as process:
            server.wait_for_requests(count)
            kill_later(process.pid, chance.uniform(0, 1))
            process.wait()
        kept = len(list_answers(read_run().workflow_id))
        asked = list_units(server.exchanges)
        ended = not go_on_if_interrupted()
        again = list_units(server.exchanges)[len(asked) :]

    lost = len(asked) - kept
    assert ended or len(set(asked) & set(again)) <= lost
    assert len(set(again)) == len(again)
    assert_whole(repo)


def kill_later(pid: int, seconds: float) -> None:
    Event().wait(seconds)
    kill(pid)


def go_on_if_interrupted() -> bool:
    """Resume the run unless it ended before it could be killed; tell which."""
    workflow_id = read_run().workflow_id
    status, command = read_status(workflow_id)
    if status != "interrupted":
        assert status == "success"
        return False
    assert command == f"forge resume {workflow_id}"
    resume(workflow_id)
    return True
