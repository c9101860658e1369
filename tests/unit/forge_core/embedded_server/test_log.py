"""Why a server did not start is read from its log."""

import pytest
from forge_core.embedded_server.log import find_telling_line

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
