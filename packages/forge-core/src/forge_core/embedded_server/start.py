"""The embedded Temporal server: attach to the running one, else start it.

See D44.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from forge_core.embedded_server.launch import (
    PORT_TAKEN,
    ServerRecord,
    find_telling_line,
    parse_record,
)
from forge_core.embedded_server.leases import noted_lease
from forge_core.embedded_server.settings import ServerSettings
from forge_core.errors import ServerUnavailable
from forge_core.files.private import make_private, open_private
from forge_core.locks.held_file import read_held, try_lock
from forge_core.state_dir.files import StateFiles
from forge_core.temporal_client.runtime import get_runtime

SCARCE_BYTES = 1_000_000
"""Space on a disk below which a server that says nothing could not write it down."""

START_TRIES = 10
"""Starts of a server that ends because somebody took a port of it."""

POLL_INTERVAL_S = 0.05

LOOK_INTERVAL_S = 0.5
"""Seconds between two looks whether the server still runs."""


@asynccontextmanager
async def embedded_server(settings: ServerSettings, purpose: str) -> AsyncIterator[str]:
    """Yield the address of the server of a state directory, which is started if none runs.

    The block holds a lease. The server ends when no process has held one for `idle_s` seconds;
    a killed process loses its lease by itself.

    Args:
        settings: Where it is, and how it is started; one that runs keeps its own.
        purpose: What the lease is for, told by ``forge server status``.

    Raises:
        ServerUnavailable: It cannot be started; the message says why.
    """
    with ExitStack() as stack:
        with _explained(settings):
            async with asyncio.timeout(settings.start_timeout_s):
                await _take_lease(settings.files, purpose, stack)
                record = await _attach_or_start(settings)
        yield record.address


async def keep_server(
    settings: ServerSettings, address: str, on_restart: Callable[[], None]
) -> NoReturn:
    """Start the server again whenever it ends, for a caller that holds a lease.

    It comes back with all that it knew, on the same port, so that clients find it again.

    Args:
        settings: As in `embedded_server`.
        address: Where the server is expected.
        on_restart: Called each time that the server has ended.

    Raises:
        ServerUnavailable: It cannot be started, or its port is somebody else's now.
    """
    while True:
        await asyncio.sleep(LOOK_INTERVAL_S)
        if read_record(settings.files) is not None:
            continue
        on_restart()
        with _explained(settings):
            async with asyncio.timeout(settings.start_timeout_s):
                record = await _attach_or_start(settings)
        if record.address != address:
            raise ServerUnavailable(
                f"the embedded Temporal server is now at {record.address}: {address} was taken"
            )


def find_temporal_binary() -> str:
    """Return the Temporal command: `FORGE_TEMPORAL_BIN`, this environment's or one on PATH.

    Raises:
        ServerUnavailable: There is none.
    """
    configured = os.environ.get("FORGE_TEMPORAL_BIN")
    if configured:
        if not _is_executable(Path(configured)):
            raise ServerUnavailable(f"FORGE_TEMPORAL_BIN={configured} is not an executable file")
        return str(Path(configured).absolute())
    packaged = Path(sysconfig.get_path("scripts"), "temporal")
    binary = str(packaged) if _is_executable(packaged) else shutil.which("temporal")
    if binary is None:
        raise ServerUnavailable(
            "no Temporal server: package temporal-bin is not installed (it exists for Linux and "
            "macOS); set TEMPORAL_ADDRESS, or FORGE_TEMPORAL_BIN to the temporal command"
        )
    return binary


def read_record(files: StateFiles) -> ServerRecord | None:
    """Read the record of the running server; None if there is none or its supervisor died."""
    text = read_held(files.record)
    return None if text is None else parse_record(text)


async def _take_lease(files: StateFiles, purpose: str, stack: ExitStack) -> None:
    """Take a lease that ends with the stack."""
    make_private(files.directory)
    lease = stack.enter_context(open_private(files.leases))
    await _lock(lease, fcntl.LOCK_SH)
    stack.enter_context(noted_lease(files, purpose))


@contextmanager
def _explained(settings: ServerSettings) -> Iterator[None]:
    """Raise in our terms what keeps the server from starting."""
    try:
        yield
    except TimeoutError as error:
        raise ServerUnavailable(
            f"the embedded Temporal server did not answer within "
            f"{settings.start_timeout_s:g} s: see {settings.files.log}"
        ) from error
    except OSError as error:
        raise ServerUnavailable(
            f"cannot keep a Temporal server in {settings.directory}: {error.strerror}: set "
            "XDG_STATE_HOME to a writable directory, or TEMPORAL_ADDRESS"
        ) from error


async def _attach_or_start(settings: ServerSettings) -> ServerRecord:
    """Return a server that answers; whoever holds the start lock looks, so only one starts.

    Somebody may take a port of its command line before it listens there, or one that it chose for
    its parts: it is started again.
    """
    files, starts = settings.files, 0
    with open_private(files.start_lock) as lock:
        await _lock(lock, fcntl.LOCK_EX)
        while True:
            record = read_record(files)
            if record is not None and await _answers(files, record):
                return record
            if record is None:
                if starts:
                    _check_may_start_again(files, starts)
                await _run_supervisor(settings)
                starts += 1
            await asyncio.sleep(POLL_INTERVAL_S)


def _check_may_start_again(files: StateFiles, starts: int) -> None:
    log = _read_log(files)
    if starts == START_TRIES or PORT_TAKEN not in log:
        raise ServerUnavailable(_explain_end(files, log))


async def _run_supervisor(settings: ServerSettings) -> None:
    """Start a supervisor and wait until its server listens, or has failed to, as its log says."""
    files = settings.files
    arguments = [
        "-P", "-m", "forge_core.embedded_server.supervisor",
        "--idle-s", str(settings.idle_s),
        "--start-timeout-s", str(settings.start_timeout_s),
        *(["--ui"] if settings.ui else []),
        str(settings.directory.absolute()), find_temporal_binary(),
    ]  # fmt: skip
    with suppress(FileNotFoundError):
        files.log.replace(files.previous_log)
    with open_private(files.log) as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=settings.directory,
            start_new_session=True,
        )
    try:
        await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise


async def _answers(files: StateFiles, record: ServerRecord) -> bool:
    """Return whether the server is up, has its default namespace and is still supervised."""
    try:
        client = await Client.connect(record.address, runtime=get_runtime())
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except (RPCError, RuntimeError):
        return False
    # A supervisor that was killed just now may have held its lock when we looked first.
    return read_record(files) == record


def _explain_end(files: StateFiles, log: str) -> str:
    silenced = not log.strip() and shutil.disk_usage(files.directory).free < SCARCE_BYTES
    reason = "its disk is full" if silenced else find_telling_line(log)
    return f"the embedded Temporal server did not start: {reason} (see {files.log})"


def _read_log(files: StateFiles) -> str:
    try:
        return files.log.read_text(errors="replace")
    except OSError:
        return ""


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


async def _lock(file: IO[str], kind: int) -> None:
    while not try_lock(file, kind):  # noqa: ASYNC110 - nothing wakes who waits for a file lock
        await asyncio.sleep(POLL_INTERVAL_S)
