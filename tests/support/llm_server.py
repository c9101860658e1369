"""A model server on the loopback interface, for tests of the real provider clients.

It speaks OpenAI chat completions and responses and Anthropic messages, streamed if asked
for. A test gives it a handler, which sees each request and chooses the reply:

    with LLMServer(in_order(tool(answer), error(500, "api_error", "boom"))) as server:
        ...
    assert server.exchanges[0].prompts.user == "..."

Every exchange is kept in the order in which requests came in.
"""

import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

import pytest
from support.llm_wires import (
    PATHS,
    Content,
    Finish,
    Prompts,
    Usage,
    Wire,
    read_prompts,
    received_text,
    render_answer,
    render_error,
    render_stream,
)
from support.waiting import DEADLINE_S

SOME_USAGE = Usage()
"""Reported where a test does not care."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request; made by the functions below."""

    content: Content | None = None
    finish: Finish = "stop"
    usage: Usage | None = SOME_USAGE
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    """The provider's word for an error, and its message."""
    body: bytes | None = None
    """Sent as it is."""
    drop: bool = False
    """Close the connection without a word."""
    gate: threading.Event | None = None
    """Reply only when it is set."""
    is_streamed: bool = True
    """Stream an answer if that is asked for."""
    pieces: Iterable[bytes | threading.Event] | None = None
    """What an event stream consists of, as it is; an event in it is waited for."""
    is_cut: bool = False
    """Close the connection of a stream without ending the body."""


@dataclass
class Exchange:
    """One request and what was replied."""

    wire: Wire
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    request: dict[str, Any]
    prompts: Prompts
    reply: Reply | None = None
    body: bytes | None = None
    """The body that was sent."""
    disconnected: threading.Event = field(default_factory=threading.Event)
    """Set when the client hung up before the reply."""

    @property
    def response_text(self) -> str | None:
        """The answer as a client receives it; None where the reply holds none."""
        if self.reply is None or self.reply.content is None:
            return None
        return received_text(self.wire, self.reply.content)


Handler: TypeAlias = Callable[[Exchange], Reply]


def tool(answer: object, *, finish: Finish = "stop", usage: Usage | None = SOME_USAGE) -> Reply:
    """Answer by the arguments of the offered tool; a string stands for itself, verbatim."""
    value = answer if isinstance(answer, str) else json.dumps(answer)
    return Reply(content=Content(value), finish=finish, usage=usage)


def tools(*answers: object) -> Reply:
    """Answer by several calls of the offered tool."""
    first, *more = (json.dumps(answer) for answer in answers)
    return Reply(content=Content(first, more=tuple(more)))


def text(said: str, *, finish: Finish = "stop", usage: Usage | None = SOME_USAGE) -> Reply:
    """Answer in plain text."""
    return Reply(content=Content(said, is_text=True), finish=finish, usage=usage)


def error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Refuse as the provider does; `kind` is its own word."""
    return Reply(status=status, error=(kind, message), headers=headers or {})


def raw(body: bytes, *, status: int = 200, content_type: str = "application/json") -> Reply:
    """Send these bytes."""
    return Reply(body=body, status=status, headers={"content-type": content_type})


def stream(*pieces: bytes | threading.Event, is_cut: bool = False) -> Reply:
    """Send these pieces of an event stream, waiting wherever an event stands among them."""
    return Reply(pieces=pieces, is_cut=is_cut)


def dropped() -> Reply:
    """Close the connection without a reply."""
    return Reply(drop=True)


def in_order(*replies: Reply) -> Handler:
    """Reply from a list, one after the other; a request too many fails the test."""
    waiting = iter(replies)
    lock = threading.Lock()

    def choose(exchange: Exchange) -> Reply:
        with lock:
            reply = next(waiting, None)
        if reply is None:
            raise AssertionError(f"no reply is left for {exchange.prompts.user[:200]!r}")
        return reply

    return choose


def by_text(replies: Iterable[tuple[str, Reply | Handler]]) -> Handler:
    """Reply by the first string that stands in the user prompt; an entry may be a handler."""
    entries = list(replies)

    def choose(exchange: Exchange) -> Reply:
        for needle, reply in entries:
            if needle in exchange.prompts.user:
                return reply if isinstance(reply, Reply) else reply(exchange)
        raise AssertionError(f"no reply fits {exchange.prompts.user[:200]!r}")

    return choose


class LLMServer:
    """Runs while its `with` block does; an error in the handler is raised at its end."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.exchanges: list[Exchange] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._faults: list[BaseException] = []
        self._http = _HTTPServer(("127.0.0.1", 0), _RequestHandler)
        self._http.owner = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """The root, as `ANTHROPIC_BASE_URL` wants it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point every provider here."""
        return {
            "ANTHROPIC_API_KEY": "anthropic-key",
            "ANTHROPIC_BASE_URL": self.url,
            "OPENAI_API_KEY": "openai-key",
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OLLAMA_BASE_URL": f"{self.url}/v1",
        }

    def configure(self, patch: pytest.MonkeyPatch) -> None:
        """Point the providers of this process, and of those that it starts, here."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(DEADLINE_S)
        if not self._faults:
            return
        if error is None:
            raise self._faults[0]
        error.add_note(f"the model server's handler failed: {self._faults[0]!r}")

    def wait_for_requests(self, count: int) -> list[Exchange]:
        """Wait until so many requests have come in, and return them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.exchanges) >= count, DEADLINE_S):
                raise TimeoutError(f"{len(self.exchanges)} requests came in, not {count}")
            return list(self.exchanges)

    def exchange(self, exchange: Exchange, connection: socket.socket) -> None:
        """Put a request on record and choose its reply, waiting for the reply's gate."""
        with self._changed:
            self.exchanges.append(exchange)
            self._changed.notify_all()
        reply = self.handler(exchange)
        if reply.gate is not None:
            self.hold(exchange, reply.gate, connection)
        exchange.reply = reply

    def hold(self, exchange: Exchange, gate: threading.Event, connection: socket.socket) -> None:
        """Wait for a gate, or until the client hangs up or the server is closed."""
        end = time.monotonic() + DEADLINE_S
        while not gate.wait(0.02) and not self._closing.is_set() and time.monotonic() < end:
            if select.select([connection], [], [], 0)[0] and not connection.recv(
                1, socket.MSG_PEEK
            ):
                exchange.disconnected.set()
                return

    def note_fault(self, fault: BaseException) -> None:
        """Keep an error of the handler, unless it is only that the client has gone."""
        if not isinstance(fault, ConnectionError):
            self._faults.append(fault)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the default of 5 refuses callers that come at the same time
    owner: LLMServer

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        fault = sys.exc_info()[1]
        if fault is not None:
            self.owner.note_fault(fault)


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Say nothing: a test's output is its own."""

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers["content-length"]))
        if path not in PATHS:
            self._send(404, b'{"error": {"message": "no such path"}}', {})
            return
        request = json.loads(body)
        prompts = read_prompts(PATHS[path], request)
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = Exchange(PATHS[path], self.path, headers, request, prompts)
        self.server.owner.exchange(exchange, self.connection)
        self._reply(exchange)

    def _reply(self, exchange: Exchange) -> None:
        reply = exchange.reply
        if reply is None or reply.drop or exchange.disconnected.is_set():
            self.close_connection = True
            return
        if reply.pieces is not None:
            self._stream(exchange, reply.pieces, is_cut=reply.is_cut)
            return
        if reply.content is not None and reply.is_streamed and exchange.request.get("stream"):
            self._stream(exchange, render_stream(exchange.wire, _render(exchange, reply)))
            return
        exchange.body = _render_body(exchange, reply)
        self._send(reply.status, exchange.body, reply.headers)

    def _stream(
        self,
        exchange: Exchange,
        pieces: Iterable[bytes | threading.Event],
        *,
        is_cut: bool = False,
    ) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        exchange.body = b""
        for piece in pieces:
            if isinstance(piece, threading.Event):
                self.server.owner.hold(exchange, piece, self.connection)
                continue
            exchange.body += piece
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if is_cut or exchange.disconnected.is_set():
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _render(exchange: Exchange, reply: Reply) -> dict[str, Any]:
    assert reply.content is not None
    return render_answer(exchange.wire, exchange.prompts, reply.content, reply.finish, reply.usage)


def _render_body(exchange: Exchange, reply: Reply) -> bytes:
    if reply.body is not None:
        return reply.body
    if reply.content is not None:
        document = _render(exchange, reply)
    else:
        kind, message = reply.error or ("api_error", "no content")
        document = render_error(exchange.wire, kind, message)
    return json.dumps(document).encode()
