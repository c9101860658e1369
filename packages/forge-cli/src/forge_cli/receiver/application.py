"""The receiver as a web application: paths, heads and answers of OTLP over HTTP.

An answer is given when the calls of a body are on record, and not before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from forge_obs.otel import Signal, encode_acceptance, encode_failure

from forge_cli.receiver.body import BodyReader, BodyStream, Receive, SenderGone
from forge_cli.receiver.compression import check_encoding
from forge_cli.receiver.content import Body
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.intake import Intake, log_internal_error
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.refusal import TOO_SLOW, Code, Refusal, build_too_large, build_too_slow
from forge_cli.receiver.tally import Tally

Send: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Sends a part of the answer, as ASGI has it."""

SIGNALS: Final[Mapping[str, Signal]] = {
    "/v1/traces": "traces",
    "/v1/logs": "logs",
    "/v1/metrics": "metrics",
}

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"

DRAIN_FACTOR: Final = 4
"""As many times the largest body is read of one that is refused."""


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head of a request says."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> str:
        """Return a header, in lower case; empty where there is none."""
        values = [value for key, value in self.headers if key == name]
        return values[-1].decode("latin-1").strip().lower() if values else ""

    @property
    def content_type(self) -> str:
        """The type of the body, without its parameters."""
        return self.get(b"content-type").partition(";")[0].strip()

    @property
    def length(self) -> int | None:
        """Bytes of the body; None where the head does not say."""
        length = self.get(b"content-length")
        return int(length) if length.isdecimal() else None

    @property
    def is_waiting(self) -> bool:
        """Whether the sender waits for a word before it sends its body."""
        return self.get(b"expect") == "100-continue"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is sent back."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Application:
    """Answers requests.

    Args:
        guard: Who may send.
        limits: How much.
        intake: Where bodies go.
        tally: Told of what is refused.
    """

    def __init__(self, guard: Guard, limits: Limits, intake: Intake, tally: Tally) -> None:
        self._guard = guard
        self._limits = limits
        self._intake = intake
        self._tally = tally
        self._reader = BodyReader(limits)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI asks for it."""
        head = _Head(scope["method"], scope["path"], tuple(scope["headers"]))
        stream = BodyStream(receive, self._limits.part_s)
        try:
            answer = await self._answer_or_refuse(head, stream)
        except SenderGone:
            return
        await _reply(send, answer, is_json=head.content_type != PROTOBUF)

    async def _answer_or_refuse(self, head: _Head, stream: BodyStream) -> _Answer:
        try:
            return _Answer(200, await self._take(head, stream))
        except Refusal as refusal:
            return await self._refuse(head, refusal, stream)
        except SenderGone:
            raise
        except Exception as error:
            return await self._refuse(head, log_internal_error(error), stream)

    async def _take(self, head: _Head, stream: BodyStream) -> bytes:
        self._guard.check(head.headers)
        signal = _find_signal(head)
        is_json = _read_content_type(head)
        encoding = head.get(b"content-encoding")
        check_encoding(encoding)
        if signal == "metrics":
            if not await stream.discard(self._limits.body_bytes):
                raise build_too_large("as it was sent", self._limits.body_bytes)
            if not stream.is_complete:
                raise build_too_slow()
            return encode_acceptance(signal, 0, "", is_json=is_json)
        async with self._reader.reading(stream, head.length) as content:
            return await self._intake.take(Body(signal, is_json, encoding, content))

    async def _refuse(self, head: _Head, refusal: Refusal, stream: BodyStream) -> _Answer:
        """Say why, when the sender has sent its body or has had the time to."""
        self._tally.add_problem(refusal.message)
        if not head.is_waiting and refusal.status != TOO_SLOW:
            await stream.discard(DRAIN_FACTOR * self._limits.body_bytes)
        headers = refusal.headers | ({} if stream.is_complete else {"connection": "close"})
        content = encode_failure(
            refusal.code, refusal.message, is_json=head.content_type != PROTOBUF
        )
        return _Answer(refusal.status, content, headers)


def _find_signal(head: _Head) -> Signal:
    signal = SIGNALS.get(head.path)
    if signal is None:
        raise Refusal(404, Code.NOT_FOUND, f"OTLP goes to {', '.join(SIGNALS)}")
    if head.method != "POST":
        raise Refusal(405, Code.UNIMPLEMENTED, "OTLP is sent by POST", {"allow": "POST"})
    return signal


def _read_content_type(head: _Head) -> bool:
    """Return whether a body is JSON, else protobuf."""
    if head.content_type not in {JSON, PROTOBUF}:
        raise Refusal(
            415, Code.INVALID_ARGUMENT, f"the Content-Type is neither {PROTOBUF} nor {JSON}"
        )
    return head.content_type == JSON


async def _reply(send: Send, answer: _Answer, *, is_json: bool) -> None:
    pairs = {
        "content-type": JSON if is_json else PROTOBUF,
        "content-length": str(len(answer.content)),
        **answer.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
        }
    )
    await send({"type": "http.response.body", "body": answer.content})
