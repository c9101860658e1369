"""Listening: sockets, connections, and the end of both.

uvicorn speaks HTTP; what it does not bound is bounded here: how many connections there are, and how
long one may take to say what it wants.
"""

import asyncio
import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from ipaddress import ip_address
from typing import Any, Final

import h11
from forge_core.errors import InfrastructureError, UsageError
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from forge_cli.receiver.limits import Limits
from forge_cli.receiver.tally import Tally

BACKLOG: Final = 128

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the head of a request; exporters send tokens there."""

KEEP_ALIVE_S: Final = 65
"""How long a connection may be idle between two requests; exporters send every few seconds."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Open sockets at every address that a host has.

    Raises:
        UsageError: The host is unknown or another machine's, or the port is for privileged users.
        InfrastructureError: The port is taken.
    """
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in _resolve(host, port):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            actual_port = sockets[0].getsockname()[1] or port
            listener.bind((address[0], actual_port, *address[2:]))
            listener.listen(BACKLOG)
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise _describe(error, host, port) from error
    return sockets


def is_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Return whether only this machine reaches them."""
    return all(ip_address(s.getsockname()[0].partition("%")[0]).is_loopback for s in sockets)


def _resolve(host: str, port: int) -> list[Any]:
    """Return the addresses of a host; IPv6 is left out where the system has none."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    unique = list(dict.fromkeys(entries))
    usable = [entry for entry in unique if _has_family(entry[0], entry[4])]
    return usable or unique


def _has_family(family: int, address: Any) -> bool:  # noqa: ANN401 - one of several tuples
    if family != socket.AF_INET6:
        return True
    with suppress(OSError), closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
        trial.bind((address[0], 0, *address[2:]))
        return True
    return False


def _describe(error: OSError, host: str, port: int) -> UsageError | InfrastructureError:
    if error.errno == errno.EADDRINUSE:
        return InfrastructureError(
            f"port {port} of {host} is taken, perhaps by another receiver or collector: choose "
            "one by --port, or 0 for any"
        )
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} is for privileged users: choose one from 1024 on by --port")
    if isinstance(error, socket.gaierror):
        return UsageError(f"--host {host} is no known name or address: {error.strerror}")
    if error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"--host {host} is no address of this machine")
    return InfrastructureError(f"cannot listen on port {port} of {host}: {error.strerror}")


MARKS: Final = {
    b"PRI * HTTP/2": "gRPC came to the port of HTTP: senders need the protocol http/protobuf, or "
    "--grpc-port here",
    b"\x16\x03": "TLS came to a port without: senders need an address with http://",
}
"""What other protocols begin with, which senders speak by mistake."""


class _Server(Server):
    """uvicorn's server, in a process whose signals are handled by Forge."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are."""
        yield


class HttpServer:
    """Serves an application until it is told to stop.

    Args:
        application: As ASGI has it.
        sockets: Where it listens.
        limits: What connections may take.
        tally: Told of what never becomes a request.
    """

    def __init__(
        self,
        application: Any,  # noqa: ANN401
        sockets: list[socket.socket],
        limits: Limits,
        tally: Tally,
    ) -> None:
        class Connection(_Connection):
            """A connection of this server: uvicorn makes one without arguments of ours."""

            bounds = limits
            record = tally

        self._sockets = sockets
        self._server = _Server(
            Config(
                application,
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(limits.stop_s),
                h11_max_incomplete_event_size=LARGEST_HEAD,
            )
        )

    async def serve(self) -> None:
        """Serve, and finish what is under way when told to stop."""
        await self._server.serve(self._sockets)

    def stop(self) -> None:
        """Take no more requests."""
        self._server.should_exit = True


class _Connection(H11Protocol):
    """A connection that must send the head of each request within a time."""

    bounds: Limits
    record: Tally
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; close a connection that is one too many."""
        if len(self.connections) >= self.bounds.connections:
            self.record.add_problem(f"more than {self.bounds.connections} connections at a time")
            transport.abort()
        super().connection_made(transport)
        self._watch(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for no head any more."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, unless they are of another protocol."""
        kind = next((kind for mark, kind in MARKS.items() if data.startswith(mark)), None)
        if kind is not None and self.cycle is None:  # nothing that this side says is understood
            self.record.add_problem(kind)
            self.transport.abort()
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._watch(self.transport)

    def on_response_complete(self) -> None:
        """Go on with the next request of the connection."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._watch(self.transport)  # what came with the last request is a part of a next one

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and count it."""
        self.record.add_problem("what came is no request of HTTP/1.1")
        super().send_400_response(msg)

    def _watch(self, transport: asyncio.Transport) -> None:
        self._forget()
        self._deadline = self.loop.call_later(self.bounds.head_s, transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
