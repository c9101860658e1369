"""What senders are answered, over real connections."""

import gzip
import itertools
import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.limits import Limits
from forge_obs import Fate
from support.otlp import (
    SPAN_ID,
    TRACE_ID,
    compress_zstd,
    make_body,
    make_event_body,
    make_json_body,
)
from support.otlp import make_json_span as json_span
from support.otlp import make_span as span
from support.otlp_server import JSON, PROTOBUF, Receiver, Shelf, read_to_end, receiving
from support.waiting import wait_until

SMALL = Limits(body_bytes=10_000, unpacked_bytes=40_000, held_bytes=20_000, held_bodies=2)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def receiver(shelf: Shelf) -> Iterator[Receiver]:
    with receiving(shelf, SMALL) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [(PROTOBUF, make_body(), b""), (JSON, make_json_body(json_span()), b"{}")],
    ids=["protobuf", "json"],
)
def test_a_span_is_taken_and_acknowledged(
    receiver: Receiver, shelf: Shelf, headers: dict[str, str], body: bytes, answer: bytes
) -> None:
    reply = receiver.send(body, headers)

    assert (reply.status, reply.content) == (200, answer)
    assert reply.headers["content-type"] == headers["content-type"]
    assert [s.name for s in shelf.spans] == ["chat gpt-4o"]


def test_an_error_of_the_receiver_is_told_without_its_words(
    receiver: Receiver, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.failure = RuntimeError("s3cret of the machine")

    reply = receiver.send(make_json_body(json_span()), JSON)

    assert (reply.status, reply.document["message"]) == (500, "internal error of the receiver")
    assert "internal error: RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text
    shelf.failure = None
    assert receiver.send(make_json_body(json_span()), JSON).status == 200


def test_an_event_is_taken(receiver: Receiver, shelf: Shelf) -> None:
    ids = {"trace_id": bytes.fromhex(TRACE_ID), "span_id": bytes.fromhex(SPAN_ID)}
    body = make_event_body("gen_ai.client.inference.operation.details", {}, **ids)

    assert receiver.send(body, path="/v1/logs").status == 200
    assert [event.span_id for event in shelf.events] == [SPAN_ID]


def test_metrics_are_taken_and_dropped(receiver: Receiver, shelf: Shelf) -> None:
    reply = receiver.send(b"whatever", path="/v1/metrics")

    assert (reply.status, reply.content, shelf.spans) == (200, b"", [])


@pytest.mark.parametrize(
    ("name", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", compress_zstd),
     ("identity", bytes)],
)  # fmt: skip
def test_compressed_bodies_are_unpacked(
    receiver: Receiver, shelf: Shelf, name: str, compress: type[bytes]
) -> None:
    reply = receiver.send(compress(make_body()), PROTOBUF | {"content-encoding": name})

    assert (reply.status, len(shelf.spans)) == (200, 1)


def test_a_body_may_come_in_chunks(receiver: Receiver, shelf: Shelf) -> None:
    body = make_body()

    assert receiver.send(body[i : i + 7] for i in range(0, len(body), 7)).status == 200
    assert len(shelf.spans) == 1


def test_what_is_bad_of_a_batch_is_told(receiver: Receiver, shelf: Shelf) -> None:
    reply = receiver.send(make_json_body(json_span(), json_span(spanId="0" * 16)), JSON)

    assert (reply.status, len(shelf.spans)) == (200, 1)
    assert reply.document == {
        "partialSuccess": {
            "rejectedSpans": "1",
            "errorMessage": "1: trace id or span id is all zeros",
        }
    }


@pytest.mark.parametrize(
    ("path", "method", "headers", "status", "reason"),
    [
        ("/v1/traces", "POST", {"content-type": "text/plain"}, 415, "Content-Type"),
        ("/v1/traces", "POST", {}, 415, "Content-Type"),
        ("/v1/traces", "POST", JSON | {"content-encoding": "br"}, 415, "Content-Encoding"),
        ("/v1/traces", "GET", JSON, 405, "POST"),
        ("/v1/traces", "OPTIONS", JSON, 405, "POST"),
        ("/v1/trace", "POST", JSON, 404, "/v1/traces"),
        ("/v1/traces", "POST", JSON, 400, "no JSON"),
        ("/v1/traces", "POST", JSON | {"content-encoding": "gzip"}, 400, "no gzip"),
        ("/v1/traces", "POST", JSON | {"origin": "http://localhost"}, 403, "web pages"),
        ("/v1/traces", "POST", JSON | {"sec-fetch-site": "same-site"}, 403, "web pages"),
        ("/v1/traces", "POST", JSON | {"host": "evil.example"}, 403, "Host"),
    ],
    ids=["text", "no type", "brotli", "GET", "preflight", "path", "no JSON", "no gzip", "origin",
         "fetch", "rebinding"],
)  # fmt: skip
def test_what_is_refused_is_told_why(
    receiver: Receiver,
    shelf: Shelf,
    path: str,
    method: str,
    headers: dict[str, str],
    status: int,
    reason: str,
) -> None:
    reply = receiver.send(b"{", headers, path=path, method=method)

    assert reply.status == status
    assert reason in reply.document["message"]
    assert shelf.spans == []


def test_a_torn_body_is_refused_in_its_own_encoding(receiver: Receiver) -> None:
    reply = receiver.send(make_body()[:-1])

    assert (reply.status, reply.headers["content-type"]) == (400, PROTOBUF["content-type"])
    assert reply.content.startswith(b"\x08\x03\x12")  # code INVALID_ARGUMENT, then the message


@pytest.mark.parametrize("guard", [Guard(True, "s3cret"), Guard(False, "s3cret")])
@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer  s3cret", 200),
        ("Bearer s3cre", 401),
        ("s3cret", 401),
        ("", 401),
    ],
)
def test_only_who_knows_the_token_may_send(guard: Guard, shown: str, status: int) -> None:
    with receiving(Shelf(), guard=guard) as receiver:
        assert receiver.send(make_body(), PROTOBUF | {"authorization": shown}).status == status


def test_a_large_body_is_refused_when_it_has_been_sent(receiver: Receiver) -> None:
    reply = receiver.send(os.urandom(30_000))

    assert reply.status == 413
    assert b"larger than 0.01 MB" in reply.content


def test_a_large_body_in_chunks_is_refused(receiver: Receiver) -> None:
    assert receiver.send(os.urandom(1000) for _ in range(30)).status == 413


def test_a_body_without_end_is_cut_off(receiver: Receiver) -> None:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    with receiver.connect() as connection:
        connection.sendall(head + b"Content-Type: application/json\r\n\r\n")
        chunks = itertools.repeat(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            deque(map(connection.sendall, chunks), maxlen=0)


def test_who_asks_first_need_not_send_a_large_body(receiver: Receiver) -> None:
    answer = receiver.exchange(
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n"
        b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("name", "compress"), [("gzip", gzip.compress), ("zstd", compress_zstd)])
def test_a_bomb_is_refused_while_it_is_unpacked(
    receiver: Receiver, shelf: Shelf, name: str, compress: type[bytes]
) -> None:
    bomb = compress(bytes(5_000_000))

    reply = receiver.send(bomb, PROTOBUF | {"content-encoding": name})

    assert (len(bomb) < SMALL.body_bytes, reply.status) == (True, 413)
    assert b"larger than 0.04 MB when it is unpacked" in reply.content
    assert receiver.send(make_body()).status == 200
    assert len(shelf.spans) == 1


@pytest.mark.parametrize(
    "limits", [Limits(held_bodies=1), Limits(held_bytes=400)], ids=["number", "size"]
)
def test_more_bodies_than_are_held_are_sent_later(limits: Limits) -> None:
    shelf, body = Shelf(), make_body()
    assert 200 < len(body) < 400
    shelf.is_open.clear()
    with receiving(shelf, limits) as receiver, ThreadPoolExecutor(1) as pool:
        first = pool.submit(receiver.send, body)
        assert shelf.is_asked.wait(60)
        second = receiver.send(body)
        shelf.is_open.set()

        assert (second.status, second.headers["retry-after"]) == (429, "1")
        assert first.result().status == 200
        assert receiver.send(body).status == 200


def test_what_is_lost_is_not_acknowledged(shelf: Shelf, receiver: Receiver) -> None:
    shelf.fate = Fate.LOST

    reply = receiver.send(make_json_body(json_span()), JSON)

    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert reply.document == {"code": 14, "message": "the store takes nothing now"}
    shelf.fate = Fate.WAITING
    assert receiver.send(make_json_body(json_span()), JSON).status == 200


def test_an_error_of_ours_costs_one_answer(shelf: Shelf, receiver: Receiver) -> None:
    shelf.is_open = None  # type: ignore[assignment]

    assert receiver.send(make_json_body(json_span()), JSON).status == 500
    assert receiver.send(make_json_body(json_span()), JSON).document["code"] == 13


def test_http_1_0_is_spoken(receiver: Receiver, shelf: Shelf) -> None:
    body = make_body()
    head = (
        b"POST /v1/traces HTTP/1.0\r\nHost: localhost:4318\r\n"
        b"Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(body)
    )

    assert receiver.exchange(head + body).startswith(b"HTTP/1.1 200 ")
    assert len(shelf.spans) == 1


@pytest.mark.parametrize(
    ("request_", "answer", "told"),
    [
        (b"POST /v1/traces HTTP/1.0\r\n\r\n", b"HTTP/1.1 400 ", "needs one Host header"),
        (b"\x16\x03\x01\x02\x00 TLS\r\n\r\n", b"", "TLS came"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", "gRPC came to the port of HTTP"),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
            b"HTTP/1.1 400 ",
            "no request",
        ),
    ],
    ids=["no host", "TLS", "HTTP/2", "a long head"],
)
def test_what_is_no_request_is_answered_and_told(
    receiver: Receiver, request_: bytes, answer: bytes, told: str
) -> None:
    assert receiver.exchange(request_)[:13] == answer
    [line] = receiver.tally.take_lines(0)[1]
    assert told in line


@pytest.mark.parametrize(
    "begun",
    [b"", b"POST /v1/tra", b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"],
    ids=["nothing", "a line", "a head"],
)
def test_a_head_that_never_ends_is_cut_off(begun: bytes) -> None:
    with receiving(Shelf(), Limits(head_s=0.2)) as receiver:
        assert receiver.exchange(begun) == b""


def test_a_second_head_that_never_ends_is_cut_off() -> None:
    body = make_body()
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    with receiving(Shelf(), Limits(head_s=0.2)) as receiver:
        answer = receiver.exchange(head + body + b"POST /v1")

    assert answer.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize(
    ("path", "limits"),
    [
        (b"traces", Limits(part_s=0.2)),
        (b"traces", Limits(body_s=0.2)),
        (b"metrics", Limits(part_s=0.2)),
    ],
)
def test_a_body_that_stands_still_is_cut_off(path: bytes, limits: Limits) -> None:
    with receiving(Shelf(), limits) as receiver:
        answer = receiver.exchange(
            b"POST /v1/" + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too slowly" in answer


def test_slow_senders_make_room_for_others() -> None:
    begun = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n\r\n"
    )
    limits = Limits(held_bodies=2, fair_s=0.0)
    with (
        receiving(Shelf(), limits) as receiver,
        receiver.connect() as slow,
        receiver.connect() as slower,
    ):
        slow.sendall(begun + b"{" * 80_000)
        slower.sendall(begun + b"{")

        wait_until(lambda: receiver.send(make_body()).status == 429, "no room")
        wait_until(lambda: receiver.send(make_body()).status == 200, "room again")

        slower.sendall(b" " * 89_999)
        assert read_to_end(slower).startswith(b"HTTP/1.1 429 ")


def test_bodies_that_had_no_time_yet_are_left_alone() -> None:
    begun = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n\r\n{"
    )
    with (
        receiving(Shelf(), Limits(held_bodies=1, fair_s=60.0)) as receiver,
        receiver.connect() as sender,
    ):
        sender.sendall(begun)
        wait_until(lambda: receiver.send(make_body()).status == 429, "no room")

        sender.sendall(b"}")

        assert read_to_end(sender).startswith(b"HTTP/1.1 200 ")


def test_more_connections_than_there_may_be_are_closed() -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with (
        receiving(Shelf(), Limits(connections=2)) as receiver,
        receiver.connect() as first,
        receiver.connect(),
    ):
        wait_until(lambda: receiver.exchange(request) == b"", "a connection too many")
        first.sendall(request)
        assert read_to_end(first).startswith(b"HTTP/1.1 404 ")


def test_a_sender_that_goes_away_is_forgotten(receiver: Receiver, shelf: Shelf) -> None:
    for _ in range(5):
        with receiver.connect() as connection:
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n"
                b"Content-Type: application/json\r\n\r\n" + b"x" * 8000
            )

    wait_until(lambda: receiver.send(make_body()).status == 200, "room again")
    assert len(shelf.spans) == 1


def test_requests_may_follow_one_another(receiver: Receiver, shelf: Shelf) -> None:
    body = make_body(span())
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
        b"Content-Length: %d\r\n" % len(body)
    )
    answer = receiver.exchange(
        (head + b"\r\n" + body) * 3 + head + b"Connection: close\r\n\r\n" + body
    )

    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert len(shelf.spans) == 4
