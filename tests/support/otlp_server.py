"""A receiver in a thread of the test's process, and requests to it without a library's opinion."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from forge_cli.receiver.application import Application
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.intake import Intake, Recorder
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.reader import Reader
from forge_cli.receiver.server import HttpServer, bind
from forge_cli.receiver.tally import Tally
from forge_obs import Fate
from forge_obs.otel import LogEvent, SpanData

DEADLINE_S = 60.0
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}


class Shelf:
    """A recorder that keeps what it is given, and waits or fails where a test says so."""

    def __init__(self, fate: Fate = Fate.STORED) -> None:
        self.fate = fate
        self.failure: Exception | None = None
        self.spans: list[SpanData] = []
        self.events: list[LogEvent] = []
        self.is_open = threading.Event()
        self.is_open.set()
        self.is_asked = threading.Event()

    @property
    def call_count(self) -> int:
        """How many calls it was given."""
        return len(self.spans)

    def record(self, spans: Sequence[SpanData], events: Sequence[LogEvent] = ()) -> list[Fate]:
        """Keep spans and events."""
        if self.failure is not None:
            raise self.failure
        self.is_asked.set()
        assert self.is_open.wait(DEADLINE_S)
        self.spans += spans
        self.events += events
        return [self.fate] * len(spans)

    def record_packed(self, packed: bytes) -> list[Fate]:
        """Keep nothing of what another process has read."""
        raise NotImplementedError(packed)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        return orjson.loads(self.content)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver that runs."""

    port: int
    tally: Tally

    def send(
        self,
        body: bytes | Iterator[bytes],
        headers: Mapping[str, str] = PROTOBUF,
        *,
        path: str = "/v1/traces",
        method: str = "POST",
    ) -> Reply:
        """Send one request on a connection of its own; an iterator's parts are sent as chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, names, response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Open a connection without saying anything."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def exchange(self, request: bytes) -> bytes:
        """Send bytes, and return all that comes until the receiver closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, however it does."""
    answer = b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


@contextmanager
def receiving(
    recorder: Recorder,
    limits: Limits | None = None,
    guard: Guard | None = None,
    reader: Reader | None = None,
) -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    limits = limits or Limits()
    tally = Tally(0)
    intake = Intake(recorder, limits, tally, reader)
    sockets = bind("127.0.0.1", 0)
    application = Application(guard or Guard(is_loopback=True), limits, intake, tally)
    server = HttpServer(application, sockets, limits, tally)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        yield Receiver(sockets[0].getsockname()[1], tally)
    finally:
        server.stop()
        thread.join(DEADLINE_S)
        intake.close()
        for listener in sockets:
            listener.close()
    assert not thread.is_alive()
