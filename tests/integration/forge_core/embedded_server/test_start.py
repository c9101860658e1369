"""The embedded server: one per state directory, there while somebody needs it, never longer."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path

import pytest
from forge_core.embedded_server.launch import ServerRecord, dump_record, parse_ports
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import (
    embedded_server,
    find_temporal_binary,
    keep_server,
    read_record,
)
from forge_core.embedded_server.status import stop_server
from forge_core.embedded_server.supervisor import LOG_LIMIT_BYTES
from forge_core.errors import ServerUnavailable
from forge_core.locks.held_file import try_lock
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from support.children import running_stranger
from support.disks import small_disk
from support.waiting import DEADLINE_S, wait_until
from temporalio.service import RPCError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

HOLD_A_LEASE = """
import asyncio, sys
from pathlib import Path
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server

async def main():
    async with embedded_server(ServerSettings(Path(sys.argv[1]), idle_s=0), "tests") as address:
        print(address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


LISTEN_FOR_A_SECOND = """
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(1)
"""

LOST_PORT = "panic: listen tcp: address already in use"
"""What a server says that could not have a port which it chose itself."""

UNKNOWN_USER = 54321
"""An id without an entry in the system's list of users."""


class Holder:
    """A process that holds a lease until it is told to let go."""

    def __init__(self, directory: Path, *, umask: int = -1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", HOLD_A_LEASE, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=umask,
            text=True,
        )

    def wait_for_address(self) -> str:
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        if not address:
            raise AssertionError(self.process.communicate()[1])
        return address

    def let_go(self) -> tuple[str, str]:
        """End the process and return what it printed since."""
        return self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class Crowd:
    """The holders of a test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.holders: list[Holder] = []

    def start(self, *, umask: int = -1) -> Holder:
        holder = Holder(self.directory, umask=umask)
        self.holders.append(holder)
        return holder


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A state directory that does not exist yet; nothing in it outlives the test."""
    path = tmp_path / "state" / "forge"
    yield path
    end_now(path)


@pytest.fixture
def crowd(directory: Path) -> Iterator[Crowd]:
    crowd = Crowd(directory)
    yield crowd
    for holder in crowd.holders:
        holder.kill()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with Forge."""
    with running_stranger() as process:
        yield process


def leave_record(directory: Path, content: bytes) -> None:
    directory.mkdir(parents=True)
    StateFiles(directory).record.write_bytes(content)


def processes_of(directory: Path) -> list[int]:
    """List the servers and supervisors of a state directory that have a thread left."""
    found = set()
    for link in glob("/proc/[0-9]*/task/[0-9]*/cwd"):  # noqa: PTH207 - passes over what has ended
        with suppress(OSError):
            if Path(link).readlink() == directory:
                found.add(int(link.split("/")[2]))
    return sorted(found)


def servers_of(directory: Path) -> list[int]:
    return [pid for pid in processes_of(directory) if b"start-dev" in command_line(pid)]


def end_now(directory: Path) -> None:
    """Kill the servers, which would take a second to end by themselves."""
    for pid in servers_of(directory):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(directory), "server and supervisor to end")


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until_only(pid: int, directory: Path) -> None:
    """Wait until every other server of the directory has ended."""
    wait_until(lambda: servers_of(directory) == [pid], "the old server to end")


async def start_and_stop(directory: Path, start_timeout_s: float = 60.0) -> None:
    async with embedded_server(
        ServerSettings(directory, idle_s=0, start_timeout_s=start_timeout_s), "tests"
    ):
        pass


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def record_of(directory: Path) -> ServerRecord:
    record = read_record(StateFiles(directory))
    assert record is not None
    return record


async def start_workflow(address: str, workflow_id: str) -> None:
    """Leave a workflow on the server that no worker ever takes."""
    client = await connect(embedded_config(address, get_state_dir()))
    await client.start_workflow("Nothing", id=workflow_id, task_queue="nobody")


async def has_workflow(address: str, workflow_id: str) -> bool:
    client = await connect(embedded_config(address, get_state_dir()))
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError:
        return False
    return True


def sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(entry.readlink()))
    return {name[len("socket:[") : -1] for name in found if name.startswith("socket:")}


def listening_addresses(pid: int) -> set[str]:
    """Return the addresses, in hex as the kernel writes them, that a process listens on."""
    own = sockets_of(pid)
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in own:
                found.add(fields[1].rpartition(":")[0])
    return found


async def test_the_first_lease_starts_a_server_and_the_last_one_ends_it(directory: Path) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        client = await connect(embedded_config(address, get_state_dir()))
        [server] = servers_of(directory)

        assert client.namespace == "default"
        assert record_of(directory).server_pid == server

    wait_until(lambda: not processes_of(directory), "server and supervisor to end")
    assert read_record(StateFiles(directory)) is None


async def test_a_second_process_attaches_to_the_running_server(
    directory: Path, crowd: Crowd
) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        before = record_of(directory)

        assert crowd.start().wait_for_address() == address
        assert record_of(directory) == before


def test_processes_that_start_at_once_get_one_server(directory: Path, crowd: Crowd) -> None:
    holders = [crowd.start() for _ in range(4)]
    addresses = {holder.wait_for_address() for holder in holders}

    assert addresses == {record_of(directory).address}
    assert servers_of(directory) == [record_of(directory).server_pid]


async def test_the_server_stays_while_any_lease_is_held(directory: Path, crowd: Crowd) -> None:
    first = crowd.start()
    address = first.wait_for_address()
    second = crowd.start()
    second.wait_for_address()
    before = record_of(directory)
    first.let_go()

    assert not await has_workflow(address, "nothing")
    assert record_of(directory) == before
    second.let_go()
    wait_until(lambda: not servers_of(directory), "the server to end")


def test_a_killed_holder_loses_its_lease(directory: Path, crowd: Crowd) -> None:
    holder = crowd.start()
    holder.wait_for_address()
    assert servers_of(directory)
    holder.kill()

    wait_until(lambda: not processes_of(directory), "server and supervisor to end")


def test_a_process_killed_while_it_starts_a_server_leaves_none(
    directory: Path, crowd: Crowd
) -> None:
    holder = crowd.start()
    wait_until(lambda: servers_of(directory), "a server to be started")
    holder.kill()

    wait_until(lambda: not processes_of(directory), "server and supervisor to end")


async def test_what_the_server_kept_survives_the_kill_of_its_supervisor(directory: Path) -> None:
    kept = uuid.uuid4().hex
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        await start_workflow(address, kept)
        old = record_of(directory)
        os.kill(old.pid, signal.SIGKILL)
        wait_until(lambda: old.server_pid not in servers_of(directory), "the server to end")

        async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as again:
            assert await has_workflow(again, kept)


async def test_a_start_right_after_the_kill_of_the_supervisor_waits_for_its_server(
    directory: Path,
) -> None:
    kept = uuid.uuid4().hex
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        await start_workflow(address, kept)
        old = record_of(directory)
        os.kill(old.pid, signal.SIGKILL)
        wait_until(lambda: old.pid not in processes_of(directory), "the supervisor to end")

        async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as again:
            assert await has_workflow(again, kept)
            assert servers_of(directory) == [record_of(directory).server_pid]
            assert record_of(directory).server_pid != old.server_pid


async def test_a_killed_server_takes_its_supervisor_along_and_is_replaced(directory: Path) -> None:
    kept = uuid.uuid4().hex
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        await start_workflow(address, kept)
        old = record_of(directory)
        os.kill(old.server_pid, signal.SIGKILL)
        wait_until(lambda: old.pid not in processes_of(directory), "the supervisor to end")

        async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as again:
            assert await has_workflow(again, kept)


async def test_a_stale_record_with_the_pid_of_a_stranger_does_no_harm(
    directory: Path, stranger: subprocess.Popen[bytes]
) -> None:
    record = ServerRecord(stranger.pid, stranger.pid, 1, None, "2026-01-01T00:00:00Z")
    leave_record(directory, dump_record(record).encode())

    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert not await has_workflow(address, "nothing")
    assert stranger.poll() is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b'{"pid": "x"}'],
    ids=["empty", "not-utf-8", "wrong-type"],
)
async def test_a_damaged_record_is_no_obstacle(directory: Path, content: bytes) -> None:
    leave_record(directory, content)

    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert not await has_workflow(address, "nothing")


async def test_a_start_while_the_last_server_shuts_down_gets_one_that_stays(
    directory: Path,
) -> None:
    for _ in range(2):
        async with embedded_server(ServerSettings(directory, idle_s=0), "tests"):
            pass
        async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
            new = record_of(directory)
            wait_until_only(new.server_pid, directory)

            assert not await has_workflow(address, "nothing")
            assert record_of(directory) == new


async def test_an_interrupt_of_our_process_group_does_not_reach_the_server(
    directory: Path, crowd: Crowd
) -> None:
    starter = crowd.start()
    address = starter.wait_for_address()
    crowd.start().wait_for_address()
    before = record_of(directory)
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.process.communicate(timeout=60)

    assert not await has_workflow(address, "nothing")
    assert record_of(directory) == before


def test_the_command_prints_nothing_of_the_server(crowd: Crowd) -> None:
    holder = crowd.start()
    holder.wait_for_address()

    assert holder.let_go() == ("", "")
    assert holder.process.returncode == 0


def test_files_and_directories_are_the_owners_alone_whatever_the_umask(
    directory: Path, crowd: Crowd
) -> None:
    crowd.start(umask=0o000).wait_for_address()
    # The server's rollback journal comes and goes with each of its transactions.
    lasting = [path for path in directory.iterdir() if not path.name.endswith("-journal")]
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in lasting if path.is_file()}
    below = {stat.S_IMODE(path.stat().st_mode) for path in (directory / "holders").iterdir()}

    assert {"temporal.db", "server.json", "server.log"} <= files.keys()
    assert set(files.values()) == below == {0o600}
    for made in (directory, directory.parent, directory / "holders"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


async def test_the_server_listens_on_loopback_only(directory: Path) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=0, ui=True), "tests"):
        addresses = listening_addresses(record_of(directory).server_pid)

    assert addresses == {"0100007F"}


async def test_the_server_sees_no_key_and_no_setting_of_another_server(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("TEMPORAL_PROFILE", "nowhere")
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests"):
        environ = environment_of(record_of(directory).server_pid)

    assert b"ANTHROPIC" not in environ
    assert b"TEMPORAL" not in environ


@pytest.mark.parametrize("name", ["with späce", "a#b?c%41d"])
def test_any_name_of_a_directory_holds_the_database(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    asyncio.run(start_and_stop(directory))
    end_now(directory)

    assert (directory / "temporal.db").stat().st_size > 0
    assert {path.name for path in tmp_path.iterdir()} == {"home", name}


async def test_a_relative_directory_is_taken_from_where_we_are(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.parent.mkdir(parents=True)
    monkeypatch.chdir(directory.parent)
    async with embedded_server(ServerSettings(Path(directory.name), idle_s=0), "tests"):
        assert (directory / "temporal.db").exists()


async def test_a_server_with_an_idle_time_waits_for_the_next_command(directory: Path) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=60), "tests"):
        before = record_of(directory)
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert not await has_workflow(address, "nothing")
        assert record_of(directory) == before

    os.kill(before.pid, signal.SIGTERM)
    wait_until(lambda: not processes_of(directory), "server and supervisor to end")


async def test_a_killed_server_is_started_again_on_its_port_while_it_is_kept(
    directory: Path,
) -> None:
    kept, restarts = uuid.uuid4().hex, asyncio.Event()
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        client = await connect(embedded_config(address, get_state_dir()))
        await client.start_workflow("Nothing", id=kept, task_queue="nobody")
        keeping = asyncio.create_task(
            keep_server(ServerSettings(directory, idle_s=0), address, restarts.set)
        )
        os.kill(record_of(directory).server_pid, signal.SIGKILL)
        await asyncio.wait_for(restarts.wait(), DEADLINE_S)
        await asyncio.to_thread(wait_until, lambda: read_record(StateFiles(directory)), "a server")

        assert record_of(directory).address == address
        assert (await client.get_workflow_handle(kept).describe()).id == kept
        keeping.cancel()


async def test_a_kept_server_whose_port_is_taken_meanwhile_is_given_up(directory: Path) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        old = record_of(directory)
        os.kill(old.pid, signal.SIGKILL)
        wait_until(lambda: not processes_of(directory), "server and supervisor to end")
        with (
            socket.create_server(("127.0.0.1", old.port)),
            pytest.raises(ServerUnavailable, match=f"{address} was taken"),
        ):
            await keep_server(ServerSettings(directory, idle_s=0), address, lambda: None)


async def test_the_next_server_takes_the_ports_of_the_last(directory: Path) -> None:
    async with embedded_server(ServerSettings(directory, idle_s=0, ui=True), "tests"):
        first = record_of(directory)
    wait_until(lambda: not processes_of(directory), "server and supervisor to end")
    async with embedded_server(ServerSettings(directory, idle_s=0, ui=True), "tests"):
        second = record_of(directory)

    assert (second.port, second.ui_port) == (first.port, first.ui_port)
    assert second.server_pid != first.server_pid


async def test_a_large_log_is_set_aside_while_the_server_runs(directory: Path) -> None:
    files = StateFiles(directory)
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests"):
        with files.log.open("ab") as log:
            log.write(b"x" * (LOG_LIMIT_BYTES + 1))
        wait_until(lambda: files.log.stat().st_size < LOG_LIMIT_BYTES, "the log to be set aside")

        assert files.previous_log.stat().st_size > LOG_LIMIT_BYTES


def test_a_full_disk_is_named_as_the_reason(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200k") as disk:
        assert_fails_with_one_line(disk / "forge", "is full")
        wait_until(lambda: not processes_of(disk / "forge"), "the server to end")


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def command_that_begins_with(directory: Path, script: str) -> Path:
    """Write a command that runs a script the first time, and then starts the server."""
    return executable(
        directory / "temporal",
        f'if mkdir begun; then {script}\nfi\nexec {find_temporal_binary()} "$@"',
    )


def command_that_stays(directory: Path) -> Path:
    """Write a command that starts the server and waits for it, where others turn into it."""
    return executable(directory / "temporal", f'{find_temporal_binary()} "$@"; exit $?')


def test_binary_that_is_not_executable_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "temporal"
    binary.write_text("")
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(binary))

    assert_fails_with_one_line(tmp_path / "state", f"FORGE_TEMPORAL_BIN={binary}")


def test_directory_in_the_place_of_the_binary_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(tmp_path))

    assert_fails_with_one_line(tmp_path / "state", f"FORGE_TEMPORAL_BIN={tmp_path}")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("echo 'Error: no more room' >&2; exit 1", "no more room", id="message"),
        pytest.param("echo some words; exit 3", "some words", id="message on stdout"),
        pytest.param("exit 0", "did not start", id="silence"),
    ],
)
def test_what_a_failing_server_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    binary = executable(tmp_path / "temporal", script)
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(binary))

    assert_fails_with_one_line(tmp_path / "state", said)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("missing", ["USER", "HOME"])
async def test_server_starts_as_a_user_that_the_system_does_not_know(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    may_read = "--inh-caps +dac_override --ambient-caps +dac_override"
    become = f"setpriv --reuid {UNKNOWN_USER} {may_read}"
    script = f'exec {become} {find_temporal_binary()} "$@"'
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(executable(tmp_path / "temporal", script)))
    monkeypatch.delenv(missing, raising=False)

    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert not await has_workflow(address, "nothing")


async def test_port_that_was_taken_for_a_moment_is_no_obstacle(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Error: listen tcp 127.0.0.1:1: bind: address already in use"
    real = find_temporal_binary()
    script = f'mkdir tried && echo "{said}" >&2 && exit 1; exec {real} "$@"'
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(executable(tmp_path / "temporal", script)))

    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert address
    assert (directory / "tried").exists()


async def test_stranger_that_takes_the_port_meanwhile_is_not_taken_for_the_server(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_start = """
        for word; do [ "$before" = --port ] && echo "$word" > port.new; before=$word; done
        mv port.new port; until [ -e taken ]; do sleep 0.05; done; sleep 0.5
    """
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(command_that_begins_with(tmp_path, first_start)))
    starting = asyncio.create_task(start_and_stop(directory))
    await asyncio.to_thread(wait_until, (directory / "port").exists, "the first start")
    port = int((directory / "port").read_text())
    with socket.create_server(("127.0.0.1", port)):
        (directory / "taken").touch()
        await starting

    ports = parse_ports(StateFiles(directory).ports.read_text())
    assert ports is not None
    assert ports.grpc != port


async def test_server_that_loses_a_port_of_its_own_parts_is_started_again(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_start = f"""
        while [ "$1" != --port ]; do shift; done
        {sys.executable} -c '{LISTEN_FOR_A_SECOND}' "$2"
        echo "{LOST_PORT}"; echo "main.main()"; exit 2
    """
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(command_that_begins_with(tmp_path, first_start)))

    async with embedded_server(ServerSettings(directory, idle_s=0), "tests") as address:
        assert not await has_workflow(address, "nothing")


def test_server_that_never_gets_a_port_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = executable(tmp_path / "temporal", f"echo '{LOST_PORT}'; echo 'main.main()'; exit 2")
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(binary))

    assert_fails_with_one_line(tmp_path / "state", ": listen tcp: address already in use (")


def test_file_of_another_format_as_the_binary_fails_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "temporal"
    binary.write_bytes(b"\x7fELF nothing of the kind")
    binary.chmod(0o755)
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(binary))

    assert_fails_with_one_line(tmp_path / "state", "Exec format error")


async def test_server_that_a_script_started_is_stopped_with_it(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(command_that_stays(tmp_path)))
    async with embedded_server(ServerSettings(directory, idle_s=600), "tests"):
        running = servers_of(directory)

    stopped = await asyncio.to_thread(stop_server, directory)

    assert len(running) == 2
    assert stopped is not None
    assert servers_of(directory) == []


async def test_orphan_of_a_script_does_not_keep_the_next_server_from_starting(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(command_that_stays(tmp_path)))
    async with embedded_server(ServerSettings(directory, idle_s=0), "tests"):
        old = record_of(directory)
        os.kill(old.pid, signal.SIGKILL)
        wait_until(lambda: old.server_pid not in servers_of(directory), "the script to end")

        async with embedded_server(ServerSettings(directory, idle_s=0), "tests"):
            assert len(servers_of(directory)) == 2


def test_lock_that_a_stranger_holds_is_named(tmp_path: Path) -> None:
    lock = StateFiles(tmp_path).server_lock
    with lock.open("a") as held:
        assert try_lock(held)

        assert_fails_with_one_line(tmp_path, f"`fuser {lock}` names it", start_timeout_s=8.0)


def test_server_that_never_listens_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = executable(tmp_path / "temporal", "exec sleep 60")
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(binary))

    assert_fails_with_one_line(tmp_path / "state", "in", start_timeout_s=2.0)
    wait_until(lambda: not processes_of(tmp_path / "state"), "the process to end")


@pytest.mark.parametrize("parent", ["/proc", "/dev/null"])
def test_state_directory_that_cannot_be_made_is_named(parent: str) -> None:
    assert_fails_with_one_line(Path(parent, "forge"), parent)


def test_database_that_is_none_fails_with_the_reason_and_is_left_alone(tmp_path: Path) -> None:
    database = StateFiles(tmp_path).database
    database.write_bytes(b"this is no database at all, only text " * 100)
    before = database.read_bytes()

    assert_fails_with_one_line(tmp_path, "not a database")
    assert database.read_bytes() == before


def test_failed_start_is_no_obstacle_to_the_next(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crowd: Crowd
) -> None:
    monkeypatch.setenv("FORGE_TEMPORAL_BIN", str(executable(tmp_path / "temporal", "exit 1")))
    assert_fails_with_one_line(directory, "did not start")
    monkeypatch.delenv("FORGE_TEMPORAL_BIN")

    assert crowd.start().wait_for_address()


def assert_fails_with_one_line(
    directory: Path, said: str, *, start_timeout_s: float = 60.0
) -> None:
    with pytest.raises(ServerUnavailable) as failure:
        asyncio.run(start_and_stop(directory, start_timeout_s))

    assert said in str(failure.value)
    assert "\n" not in str(failure.value)
