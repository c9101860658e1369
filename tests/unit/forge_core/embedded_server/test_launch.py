"""How the embedded server is called, what it sees and what its record and its log say."""

import json
from pathlib import Path

import pytest
from forge_core.embedded_server.launch import (
    Ports,
    ServerRecord,
    build_command,
    dump_record,
    find_telling_line,
    parse_record,
    server_environment,
)
from forge_core.state_dir.files import StateFiles

RECORD = ServerRecord(
    pid=10, server_pid=11, port=7001, ui_port=None, started_at="2026-11-23T13:00:00Z"
)
FILES = StateFiles(Path("/state"))


def test_record_comes_back_as_it_was_written() -> None:
    assert parse_record(dump_record(RECORD)) == RECORD


def test_record_of_a_later_version_is_understood() -> None:
    text = json.dumps({**json.loads(dump_record(RECORD)), "binary": "/usr/bin/temporal"})

    assert parse_record(text) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x"}'])
def test_anything_else_is_no_record(text: str) -> None:
    assert parse_record(text) is None


def test_server_listens_on_loopback_with_every_port_chosen_by_us() -> None:
    command = " ".join(build_command(FILES, "temporal", Ports(1, 2, 3, None)))

    assert command.startswith("temporal server start-dev --ip 127.0.0.1 --port 1 --http-port 2 ")
    assert "--metrics-port 3 " in command
    assert "--db-filename temporal.db --sqlite-pragma journal_mode=wal " in command


def test_activities_are_not_held_back_by_the_servers_poll_limit() -> None:
    command = build_command(FILES, "temporal", Ports(1, 2, 3, None))

    setting = command[command.index("--dynamic-config-value") + 1]
    assert setting == "history.transferProcessorMaxPollRPS=10000"


def test_web_interface_is_served_only_on_request() -> None:
    without = build_command(FILES, "temporal", Ports(1, 2, 3, None))
    with_ui = build_command(FILES, "temporal", Ports(1, 2, 3, 4))

    assert without[-1] == "--headless"
    assert with_ui[-2:] == ["--ui-port", "4"]


def test_server_sees_no_key_and_no_configuration_of_another_server() -> None:
    kept = {"HOME": "/h", "PATH": "/bin", "USER": "u"}
    environ = {**kept, "OPENAI_API_KEY": "k", "TEMPORAL_PROFILE": "p"}

    assert server_environment(environ) == kept


@pytest.mark.parametrize("environ", [{}, {"HOME": "", "USER": ""}], ids=["missing", "empty"])
def test_server_has_a_user_and_a_home_even_where_we_have_none(environ: dict[str, str]) -> None:
    assert server_environment(environ) == {"HOME": "/", "USER": "forge"}


LOGGED = 'time=2026-01-01T00:00:00.000 level=ERROR msg="no listener" error="in use" of=worker'


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", "it said nothing"),
        ("Temporal CLI 1.9\n\nlast words\n", "last words"),
        ("banner\nError: database is locked (5)\nit ended\n", "database is locked (5)"),
        ("panic: no free port: in use\n\ngoroutine 1\n\tmain.go:18", "no free port: in use"),
        (f"{LOGGED}\n{LOGGED.replace('listener', 'worker')}\npanic: nil", "no listener: in use"),
        (f"Error: {'a' * 200}{'b' * 200}: full\n", f"{'a' * 150} … {'b' * 144}: full"),
    ],
    ids=["empty", "no-error", "error", "panic", "logged", "long"],
)
def test_reason_of_a_failed_start_is_read_from_the_log(log: str, line: str) -> None:
    assert find_telling_line(log) == line
