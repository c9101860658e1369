"""What exporters get over gRPC is what they would get over HTTP."""

import sys
from collections.abc import AsyncIterator

import pytest
from forge_cli.receiver.grpc_server import METHODS, GrpcServer
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.intake import Intake
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.tally import Tally
from forge_core.errors import UsageError
from forge_obs import Fate
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from support.otlp import make_body, make_span
from support.otlp_server import Shelf

grpc = pytest.importorskip("grpc")

TRACES, LOGS, METRICS = METHODS
TOKEN = "s3cret"


def make_server(shelf: Shelf, tally: Tally) -> GrpcServer:
    guard = Guard(is_loopback=True, token=TOKEN)
    return GrpcServer(guard, Limits(), Intake(shelf, Limits(), tally), tally)


class Sender:
    """Sends to a server that runs."""

    def __init__(self, shelf: Shelf, channel: object) -> None:
        self.shelf = shelf
        self._channel = channel

    async def send(self, body: bytes, method: str = TRACES, shown: str = TOKEN) -> bytes:
        export = self._channel.unary_unary(method)  # type: ignore[attr-defined]
        answer: bytes = await export(body, metadata=(("authorization", f"Bearer {shown}"),))
        return answer

    async def fail(self, body: bytes, **options: str) -> object:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await self.send(body, **options)
        return failure.value.code()


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    shelf = Shelf()
    server = make_server(shelf, Tally(0))
    port = await server.start("127.0.0.1", 0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Sender(shelf, channel)
    await server.stop()


async def test_what_is_bad_of_a_batch_is_told(sender: Sender) -> None:
    answer = await sender.send(make_body(make_span(), make_span(span_id="00" * 8)))

    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (told.rejected_spans, len(sender.shelf.spans)) == (1, 1)


async def test_logs_and_metrics_are_taken(sender: Sender) -> None:
    assert await sender.send(b"", LOGS) == b""
    assert await sender.send(b"whatever", METRICS) == b""


async def test_failures_are_those_of_http(sender: Sender) -> None:
    codes = grpc.StatusCode

    assert await sender.fail(make_body(), shown="guess") is codes.UNAUTHENTICATED
    assert await sender.fail(b"\x0a\x05") is codes.INVALID_ARGUMENT
    assert await sender.fail(b"", method="/a/b") is codes.UNIMPLEMENTED
    sender.shelf.fate = Fate.LOST
    assert await sender.fail(make_body()) is codes.UNAVAILABLE


async def test_error_of_the_receiver_is_told_without_its_words(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    sender.shelf.failure = RuntimeError("s3cret of the machine")

    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await sender.send(make_body())

    assert failure.value.code() is grpc.StatusCode.INTERNAL
    assert failure.value.details() == "internal error of the receiver"
    assert "internal error: RuntimeError" in caplog.text
    assert "s3cret of the machine" not in caplog.text


def test_without_the_extra_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)

    with pytest.raises(UsageError, match=r"forge-cli\[grpc\].*pip install grpcio"):
        make_server(Shelf(), Tally(0))
