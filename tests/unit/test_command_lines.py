"""Command lines, and the help on them at the width of a usual terminal."""

import re
from itertools import pairwise

import pytest
from forge_cli.app import call
from forge_cli.launch import may_have_global_options


@pytest.mark.parametrize(
    "command", [["run"], ["status"], ["worker"], ["clean"], ["db", "prune"]], ids=" ".join
)
def test_no_line_of_an_option_ends_before_its_room_does(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    call([*command, "--help"])

    lines = [line.strip("│") for line in capsys.readouterr().out.splitlines() if "│" in line]
    pairs = pairwise(lines)
    continued = [(line, after) for line, after in pairs if re.match(r" {6}", after)]
    early = [
        line for line, after in continued if len(line.rstrip()) + 1 + len(after.split()[0]) < 77
    ]
    assert continued
    assert not early


@pytest.mark.parametrize("group", ["db", "server"])
def test_each_command_of_a_group_says_what_it_does(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call([group, "--help"])

    commands = re.search(r"─ Commands ─+╮\n(.*?)╰", capsys.readouterr().out, re.S)
    assert commands is not None
    assert re.findall(r"^│ (\w+) +│$", commands[1], re.M) == []


@pytest.mark.parametrize(
    ("argv", "parsed"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param(["status", "-vv"], True, id="log"),
        pytest.param(["--no-pager", "status"], True, id="pager"),
        pytest.param(["run", "-h"], True, id="help"),
        pytest.param(["--version"], True, id="version"),
        pytest.param(["status", "--verbose", "--json"], False, id="none"),
    ],
)
def test_line_is_parsed_for_options_of_every_command_where_it_may_have_some(
    argv: list[str], *, parsed: bool
) -> None:
    assert may_have_global_options(argv) == parsed
