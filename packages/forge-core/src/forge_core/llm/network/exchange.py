"""What is seen of a request while it is under way: its clock, its status and every byte."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from forge_core.llm.arrival import Arrival
from forge_core.llm.model_name import PROVIDERS, split_model
from forge_core.llm.network.body import Body, read_body, rewrite_body
from forge_core.llm.providers import list_keys
from forge_core.llm.report import read_report
from forge_core.llm.request import ModelRequest, Reported
from forge_core.models.call.dialect import Dialect

STREAMS = ("event-stream", "eventstream", "ndjson", "jsonl", "application/stream")
"""Parts of the content types of streams."""

SHORTEST_KEY = 8
"""Characters of a key that is worth hiding: a shorter one stands in ordinary words."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request while it is under way."""

    request: ModelRequest
    dialect: Dialect
    arrival: Arrival
    sent: Body = field(default_factory=dict)
    """The body as it went out, where the client lets it be seen."""
    sent_at: float = 0.0
    ended_at: float = 0.0
    """When the last byte came so far."""
    first_token_at: float | None = None
    response: httpx2.Response | None = None
    """The response, once its head is there."""
    is_whole: bool = False
    """Whether one document came where a stream was asked for."""
    is_stalled: bool = False
    """Whether the stream fell silent."""
    raw: bytearray = field(default_factory=bytearray)
    """All bytes of the response so far, as they came."""

    @property
    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """What the HTTP client is to call, and when."""
        return {"request": [self._send], "response": [self._receive]}

    @property
    def status(self) -> int | None:
        """HTTP status of the response, if there is one and it is not success."""
        if self.response is None or self.response.is_success:
            return None
        return self.response.status_code

    @property
    def latency_ms(self) -> float:
        """From sending the request to the last byte of its response so far."""
        return max(0.0, (self.ended_at - self.sent_at) * 1000)

    @property
    def first_token_ms(self) -> float | None:
        """From sending the request to the first token; None where the answer came whole."""
        return None if self.first_token_at is None else (self.first_token_at - self.sent_at) * 1000

    @property
    def body(self) -> str | None:
        """The response's body so far, without the key; None where no response has begun."""
        if self.response is None:
            return None
        body = _decode(bytes(self.raw), self.response.headers.get("content-encoding", ""))
        return _hide_key(body.decode("utf-8", "backslashreplace"), self.request.model)

    @property
    def reported(self) -> Reported:
        """What the provider says besides its answer, as far as it has come."""
        return read_report(self.body or "", {} if self.response is None else self.response.headers)

    @property
    def content_type(self) -> str:
        """What the response says that its body is."""
        return "" if self.response is None else self.response.headers.get("content-type", "")

    @property
    def is_stream(self) -> bool:
        """Whether the response says that it is a stream."""
        return any(name in self.content_type for name in STREAMS)

    def note_piece(self, chars: int) -> None:
        """Count a piece of the answer."""
        if self.first_token_at is None:
            self.first_token_at = self.ended_at  # of the bytes that brought it
        self.arrival.chars += chars
        self.arrival.pieces += 1

    async def _send(self, request: httpx2.Request) -> None:
        """Put the body in its dialect, and note that it goes out."""
        self.sent = read_body(await request.aread())
        rewritten = None
        if PROVIDERS[split_model(self.request.model)[0]].client != "botocore":  # which signs it
            rewritten = rewrite_body(self.sent, self.dialect, self.request.tool_name)
        if rewritten is not None:
            self.sent = rewritten
            changed = httpx2.Request(request.method, request.url, json=rewritten)
            request.stream = changed.stream
            request.headers["content-length"] = changed.headers["content-length"]
        self.sent_at = self.ended_at = time.perf_counter()

    async def _receive(self, response: httpx2.Response) -> None:
        """Keep every byte of the response from now on, before anybody takes it apart.

        What is no stream is read as a whole here.
        """
        self.response = response
        self.ended_at = time.perf_counter()
        stall_s = self.request.stall_timeout_s if self.is_stream and response.is_success else None
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Tee(response.stream, self, stall_s)
        if not self.is_stream:
            body = await response.aread()
            self.is_whole = response.is_success and body.lstrip()[:1] in {b"{", b"["}


class _Tee(httpx2.AsyncByteStream):
    """Keeps what passes, and ends a stream that falls silent."""

    def __init__(
        self, inner: httpx2.AsyncByteStream, exchange: Exchange, stall_s: float | None
    ) -> None:
        self._inner = inner
        self._exchange = exchange
        self._stall_s = stall_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._inner)
        while True:
            try:
                async with asyncio.timeout(self._stall_s):
                    chunk = await anext(chunks, None)
            except TimeoutError as error:
                self._exchange.is_stalled = True
                raise httpx2.ReadTimeout(f"no bytes for {self._stall_s:g} s") from error
            self._exchange.ended_at = time.perf_counter()
            if chunk is None:
                return
            self._exchange.raw += chunk
            yield chunk

    async def aclose(self) -> None:
        """Close the response that the bytes come from."""
        await self._inner.aclose()


def _decode(raw: bytes, encoding: str) -> bytes:
    """Undo the compression of a body, of which the end may be missing."""
    if not encoding or not raw:
        return raw
    try:
        return httpx2.Response(200, headers={"content-encoding": encoding}, content=raw).content
    except httpx2.DecodingError:
        pass
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(raw)
    except zlib.error:
        return raw


def _hide_key(body: str, spec: str) -> str:
    """Remove the key from a body: some servers quote the one that they refuse."""
    for key in list_keys(PROVIDERS[split_model(spec)[0]]):
        if len(key) >= SHORTEST_KEY:
            body = body.replace(key, "[key]")
    return body
