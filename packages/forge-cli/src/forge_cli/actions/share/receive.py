"""Carrying out ``forge receive``."""

import asyncio
import re
import socket
import time
from collections.abc import Sequence
from typing import Final

from forge_core.errors import UsageError
from forge_obs import flush, get_db_path, upgrade
from forge_obs.otel import SpanRecorder

from forge_cli.exit_codes import ExitCode
from forge_cli.options.share.receive import IntakeOptions, ListenOptions
from forge_cli.receiver.application import Application
from forge_cli.receiver.grpc_server import GrpcServer
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.intake import Intake
from forge_cli.receiver.limits import MEGABYTE, Limits
from forge_cli.receiver.reader import Reader, can_read_beside
from forge_cli.receiver.server import HttpServer, bind, is_loopback
from forge_cli.receiver.tally import Tally, count_calls
from forge_cli.store.queries import require_path
from forge_cli.terminal.console import print_note, print_text
from forge_cli.terminal.signals import interruptible

LOOK_S: Final = 0.5
"""How often it is looked whether there is something to tell."""

TOKEN: Final = re.compile("[!-~]+")
"""What a header can hold as one word."""

UNPACKED_FACTOR: Final = 4
"""How many times as large a body may be when it is unpacked, and all together that are held."""


def receive_calls(where: ListenOptions, size: IntakeOptions) -> ExitCode:
    """Record what senders send until the process is told to stop.

    Raises:
        UsageError: The address is none of this machine, or needs a token.
        StoreError: The store is off, or cannot be written.
        InfrastructureError: The port is taken.
    """
    path = require_path()
    sockets = bind(where.host, where.port)
    try:
        guard = _build_guard(sockets, where)
        upgrade(path)
        asyncio.run(_receive(sockets, where, guard, _build_limits(size)))
    finally:
        for listener in sockets:
            listener.close()
        flush()
    return ExitCode.SUCCESS


def _build_guard(sockets: Sequence[socket.socket], where: ListenOptions) -> Guard:
    if where.token is not None and TOKEN.fullmatch(where.token) is None:
        raise UsageError("the token must be of visible ASCII characters, at least one")
    local = is_loopback(sockets)
    if not local and where.token is None:
        raise UsageError(
            f"--host {where.host} is reached by other machines, so senders need a token: set "
            "FORGE_RECEIVE_TOKEN to a long random text, for example that of `openssl rand -hex 32`"
        )
    return Guard(local, where.token)


def _build_limits(size: IntakeOptions) -> Limits:
    body_bytes = size.max_body_mb * MEGABYTE
    return Limits(
        body_bytes=body_bytes,
        unpacked_bytes=UNPACKED_FACTOR * body_bytes,
        held_bytes=UNPACKED_FACTOR * body_bytes,
    )


async def _receive(
    sockets: list[socket.socket], where: ListenOptions, guard: Guard, limits: Limits
) -> None:
    tally = Tally(time.monotonic())
    reader = Reader(limits.unpacked_bytes) if can_read_beside() else None
    intake = Intake(SpanRecorder(), limits, tally, reader)
    server = HttpServer(Application(guard, limits, intake, tally), sockets, limits, tally)
    grpc = None if where.grpc_port is None else GrpcServer(guard, limits, intake, tally)
    grpc_port = None if grpc is None else await grpc.start(where.host, where.grpc_port or 0)
    with interruptible() as interruption:
        _print_welcome(sockets, where, grpc_port)
        serving = asyncio.create_task(server.serve())
        printing = asyncio.create_task(_print_regularly(tally))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            server.stop()
            await serving
        finally:
            printing.cancel()
            if grpc is not None:
                await grpc.stop()
            await asyncio.to_thread(intake.close)
            _print_lines(tally, at_once=True)
    print_text(f"receiver stopped: {count_calls(tally.total)} on record")


def _print_welcome(
    sockets: Sequence[socket.socket], where: ListenOptions, grpc_port: int | None
) -> None:
    url = _build_url(where.host, sockets[0].getsockname()[1])
    print_text(f"receiving on {url}, into {get_db_path()}; senders need")
    print_text(f"  OTEL_EXPORTER_OTLP_ENDPOINT={url}")
    print_text("  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
    if grpc_port is not None:
        print_text(f"  or {_build_url(where.host, grpc_port)} and grpc")
    if where.token:
        print_text("  OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN")


def _build_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _print_regularly(tally: Tally) -> None:
    """Print what has come, in lines that are rare enough to be read."""
    while True:
        await asyncio.sleep(LOOK_S)
        _print_lines(tally)


def _print_lines(tally: Tally, *, at_once: bool = False) -> None:
    calls, problems = tally.take_lines(time.monotonic(), at_once=at_once)
    for line in calls:
        print_text(line)
    for line in problems:
        print_note(line)
