"""``forge receive`` as its users run it, with the exporters that they have."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from forge_cli.receiver.reader import can_read_beside
from forge_cli.receiver.tally import Tally
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from support.forge import run_forge, running_forge
from support.forked import ForgeProcess
from support.otlp import CHAT, make_body, make_span
from support.otlp_server import PROTOBUF, Receiver, read_to_end
from support.waiting import wait_until

NODE = shutil.which("node")

WELCOME = re.compile(r"receiving on (http://127\.0\.0\.1:(\d+)), into (.+); senders need\n")
"""The first line that the command prints."""


@dataclass(frozen=True, slots=True)
class Running:
    """A command that receives."""

    process: ForgeProcess
    url: str
    receiver: Receiver

    def stop(self) -> tuple[int, str, str]:
        """Tell it to stop, and return how it ended."""
        self.process.send_signal(signal.SIGTERM)
        stdout, stderr = self.process.communicate()
        return self.process.wait(), stdout, stderr


@contextmanager
def receiving(*args: str) -> Iterator[Running]:
    with running_forge("receive", "--port", "0", *args) as process:
        line = process.stdout.readline()
        welcome = WELCOME.fullmatch(line)
        assert welcome, line + process.stderr.read()
        yield Running(process, welcome[1], Receiver(int(welcome[2]), Tally(0)))


def read_rows(columns: str) -> list[tuple[object, ...]]:
    query = f"SELECT {columns} FROM interactions ORDER BY id"  # noqa: S608 - ours
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        return connection.execute(query).fetchall()


def test_it_says_where_it_listens_and_what_senders_need() -> None:
    with receiving() as running:
        lines = [running.process.stdout.readline() for _ in range(2)]
        ended = running.stop()

    assert lines == [
        f"  OTEL_EXPORTER_OTLP_ENDPOINT={running.url}\n",
        "  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n",
    ]
    assert ended == (
        0,
        "receiver stopped: 0 calls on record\n",
        "stopping: interrupt again to stop at once\n",
    )


@pytest.mark.parametrize("compression", Compression)
def test_spans_of_the_python_sdk_become_calls(compression: Compression) -> None:
    with receiving() as running:
        exporter = OTLPSpanExporter(f"{running.url}/v1/traces", compression=compression)
        provider = TracerProvider(resource=Resource({"service.name": "my-app"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("library")
        with tracer.start_as_current_span("invoke_agent"):
            tracer.start_span("chat gpt-4o", attributes=dict(CHAT)).end()
        provider.shutdown()
        code, stdout, _ = running.stop()

    assert code == 0
    assert "1 call of my-app\n" in stdout
    assert read_rows("task_id, model_name, input_tokens, output_tokens, status") == [
        ("my-app", "gpt-4o-2024", 12, 34, "ok")
    ]


@pytest.mark.skipif(NODE is None, reason="no node")
def test_spans_of_a_node_program_become_calls(tmp_path: Path) -> None:
    program = tmp_path / "program.mjs"
    program.write_text(
        """
        const value = (v) => typeof v === "number" ? { intValue: v } : { stringValue: v };
        const attributes = (o) => Object.entries(o).map(([key, v]) => ({ key, value: value(v) }));
        const start = BigInt(Date.now()) * 1000000n;
        const span = {
          traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174",
          name: "chat gpt-4o", kind: 3, flags: 257, droppedAttributesCount: 0, links: [],
          startTimeUnixNano: String(start), endTimeUnixNano: String(start + 2000000000n),
          status: { code: 2, message: "overloaded" },
          attributes: attributes({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 12, "error.type": "429",
            "gen_ai.input.messages": JSON.stringify(
              [{ role: "user", parts: [{ type: "text", content: "Hi \\ud83d\\ude00" }] }]),
          }),
        };
        const resource = { attributes: attributes({ "service.name": "node-app" }) };
        const body = { resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans: [span] }] }] };
        const answer = await fetch(process.argv[2] + "/v1/traces", {
          method: "POST", headers: { "content-type": "application/json" },
          body: JSON.stringify(body) });
        console.log(answer.status, await answer.text());
        """
    )
    with receiving() as running:
        done = subprocess.run(
            [str(NODE), program, running.url], capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("200 {}\n", "")
        assert running.stop()[0] == 0

    assert read_rows("task_id, model_name, input_tokens, latency_ms, status, user_prompt") == [
        ("node-app", "gpt-4o", 12, 2000.0, "error", "Hi 😀")
    ]


def test_what_was_acknowledged_is_on_record_whenever_it_is_killed() -> None:
    acknowledged: list[str] = []
    spans = [[make_span() for _ in range(5)] for _ in range(1000)]
    with receiving() as running:

        def send(part: int) -> None:
            for batch in spans[part::2]:
                try:
                    status = running.receiver.send(make_body(*batch)).status
                except OSError:
                    return
                assert status == 200
                acknowledged.extend(span.span_id.hex() for span in batch)

        senders = [threading.Thread(target=send, args=(part,)) for part in range(2)]
        for sender in senders:
            sender.start()
        wait_until(lambda: len(acknowledged) >= 100, "some answers")
        running.process.kill()
        for sender in senders:
            sender.join()

    assert run_forge("db", "check").code == 0
    on_record = {str(span_id) for (span_id,) in read_rows("span_id")}
    assert 100 <= len(acknowledged) < 5000
    assert on_record.issuperset(acknowledged)


@pytest.mark.skipif(not can_read_beside(), reason="one processor")
def test_nothing_is_left_over_when_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "html:escape")
    long = {**CHAT, "gen_ai.input.messages": "Is a < b? " * 10_000}
    with receiving() as running:
        receiver = psutil.Process(running.process.pid)
        assert running.receiver.send(make_body(make_span())).status == 200
        assert receiver.children() == []  # nothing to do for another process yet
        assert running.receiver.send(make_body(make_span(long))).status == 200
        (reading,) = receiver.children()
        running.process.kill()
        wait_until(lambda: not reading.is_running(), "the end of the process that reads")

    assert read_rows("user_prompt") == [("",), ("Is a &lt; b? " * 10_000,)]


def test_a_body_that_is_under_way_is_finished_when_it_is_stopped() -> None:
    body = make_body()
    with receiving() as running:
        with running.receiver.connect() as connection:
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"
                % len(body)
                + body[:10]
            )
            running.receiver.send(make_body())  # by now it has read what came before
            running.process.send_signal(signal.SIGTERM)
            assert running.process.stderr.readline().startswith("stopping: ")
            connection.sendall(body[10:])
            assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
        stdout, _ = running.process.communicate()
        assert running.process.wait() == 0

    assert "receiver stopped: 2 calls on record\n" in stdout
    assert len(read_rows("id")) == 2


def test_a_second_signal_ends_it_at_once() -> None:
    with receiving() as running, running.receiver.connect() as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-protobuf\r\nContent-Length: 99\r\n\r\n"
        )
        running.receiver.send(make_body())
        running.process.send_signal(signal.SIGINT)
        assert running.process.stderr.readline().startswith("stopping: ")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait() == 130


def test_the_token_of_the_environment_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_RECEIVE_TOKEN", "s3cret")
    with receiving() as running:
        assert running.receiver.send(make_body()).status == 401
        shown = PROTOBUF | {"authorization": "Bearer s3cret"}
        assert running.receiver.send(make_body(), shown).status == 200
        code, stdout, stderr = running.stop()

    assert (code, "s3cret" in stdout + stderr) == (0, False)
    assert "authorization=Bearer%20TOKEN" in stdout
    assert "1 not taken: the token is missing" in stderr


def test_grpc_is_spoken() -> None:
    grpc = pytest.importorskip("grpc")
    with receiving("--grpc-port", "0") as running:
        lines = [running.process.stdout.readline() for _ in range(3)]
        port = re.findall(r"127\.0\.0\.1:(\d+) and grpc", lines[-1])[0]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            )
            assert export(make_body(), compression=grpc.Compression.Gzip) == b""
            with pytest.raises(grpc.RpcError) as malformed:
                export(b"\x0a\x05")
            with pytest.raises(grpc.RpcError) as large:
                export(bytes(17_000_000))
        assert running.stop()[0] == 0

    assert malformed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(read_rows("id")) == 1


def test_a_port_that_is_taken_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        outcome = run_forge("receive", "--port", port)

    assert outcome.code == 3
    assert f"port {port} of 127.0.0.1 is taken" in outcome.error


def test_a_port_for_grpc_that_is_taken_is_told_in_one_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        # No fork of a process that has imported gRPC already, whose core then says more.
        done = subprocess.run(
            [sys.executable, "-m", "forge_cli", "receive", "--port", "0", "--grpc-port", port],
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: cannot listen on port {port} of 127.0.0.1 for gRPC: choose another by "
        "--grpc-port\n"
    )


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--host", "0.0.0.0"], "FORGE_RECEIVE_TOKEN"),  # noqa: S104 - refused
        (["--host", "nobody.invalid"], "no known name"),
        (["--host", "192.0.2.1", "--token", "t"], "no address of this machine"),
        (["--port", "70000"], "--port"),
        (["--token", ""], "the token"),
        (["--token", "two words"], "the token"),
    ],
    ids=["open", "unknown", "another machine", "port", "empty token", "words"],
)  # fmt: skip
def test_what_cannot_be_listened_to_is_told(args: list[str], reason: str) -> None:
    outcome = run_forge("receive", *args)

    assert outcome.code == 2
    assert reason in outcome.error


def test_without_a_store_nothing_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    outcome = run_forge("receive")

    assert outcome.code == 3
    assert "the store is off" in outcome.error
