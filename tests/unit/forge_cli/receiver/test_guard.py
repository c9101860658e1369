"""Who may send is told by the head of a request alone."""

import pytest
from forge_cli.receiver.guard import Guard, is_loopback_name
from forge_cli.receiver.refusal import Refusal

HOST = (b"host", b"localhost:4318")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "my.localhost", "0:0:0:0:0:0:0:1"],
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback_name(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "8.8.8.8",
     "notlocalhost", "2130706433"],
)  # fmt: skip
def test_names_of_others(host: str) -> None:
    assert not is_loopback_name(host)


@pytest.mark.parametrize(
    "value",
    [b"localhost", b"localhost:1", b"127.0.0.1:4318", b"[::1]:4318", b"[::1]", b"LocalHost"],
)
def test_a_host_of_this_machine_may_send(value: bytes) -> None:
    Guard(is_loopback=True).check([(b"host", value)])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [HOST, HOST],
        [(b"host", b"evil.example")],
        [(b"host", b"evil.example@localhost")],
        [(b"host", b"localhost:1:2")],
        [(b"host", b"[::1")],
        [(b"host", b"\xff")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"http://localhost:4318")],
        [HOST, (b"sec-fetch-site", b"cross-site")],
        [HOST, (b"sec-fetch-site", b"same-origin")],
    ],
)
def test_others_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Refusal) as refusal:
        Guard(is_loopback=True).check(headers)

    assert refusal.value.status in {400, 403}


def test_a_request_that_the_user_typed_is_no_page() -> None:
    Guard(is_loopback=True).check([HOST, (b"sec-fetch-site", b"none")])


def test_any_name_reaches_what_other_machines_reach() -> None:
    guard = Guard(is_loopback=False, token="t")

    guard.check([(b"host", b"collector.example"), (b"authorization", b"Bearer t")])


def test_a_token_is_told_to_nobody() -> None:
    assert "s3cret" not in repr(Guard(is_loopback=False, token="s3cret"))


def test_a_token_of_any_characters_is_compared() -> None:
    guard = Guard(is_loopback=False, token="grüße")

    guard.check_token(["Bearer grüße".encode()])
    with pytest.raises(Refusal, match="token"):
        guard.check_token([b"Bearer gr\xfc\xdfe"])
