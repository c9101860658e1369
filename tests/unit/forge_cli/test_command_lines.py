"""Command lines, and the help on them at the width of a usual terminal."""

import re
import shlex
from importlib import import_module
from importlib.metadata import version
from inspect import getdoc
from itertools import pairwise
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_cli.commands import COMMANDS, GROUPS, SECTIONS, build_app, name_function
from forge_cli.help import EXAMPLES
from forge_cli.options.common import GlobalOptions, may_have_global_options


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


@pytest.mark.parametrize("command", COMMANDS)
def test_users_read_the_whole_docstring_of_a_command(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    module = import_module(f"forge_cli.commands.{COMMANDS[command]}")
    said = getdoc(getattr(module, name_function(command)))

    call([*command.split(), "--help"])

    assert said is not None
    expected = said.split("\n\nArgs:")[0].split()
    shown = capsys.readouterr().out
    assert f"Usage: forge {command}" in shown
    assert "Options of every command" not in shown
    assert " ".join(expected) in " ".join(shown.split())


def list_pages() -> list[list[str]]:
    """List the words that help is asked for with: none, a group or a command."""
    return [[], *([name] for name in GROUPS), *(command.split() for command in COMMANDS)]


@pytest.mark.parametrize("words", list_pages(), ids=lambda words: " ".join(words) or "forge")
def test_page_of_help_is_as_wide_as_a_usual_terminal_at_most(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    assert call(["help", *words]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(" ".join(["Usage: forge", *words]))
    assert [line for line in lines if len(line.rstrip()) > 80] == []
    assert [line for line in lines if re.search(r"\[ARGS|\b(STR|INT|FLOAT|CHOICE)\b", line)] == []


def test_list_of_commands_has_each_in_one_section_and_the_options_of_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(["help"]) == 0

    shown = capsys.readouterr().out
    titles = re.findall(r"^╭─ (.*?) ─+╮$", shown, re.M)
    assert titles == [*SECTIONS, "Options", "Options of every command"]
    listed = [name for names in SECTIONS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert {name.split()[0] for name in COMMANDS} | set(GROUPS) == {n.split()[0] for n in listed}
    assert "│ status, ls  List recent runs, or show one of them." in shown
    rows = re.findall(r"^│ (.{10}.*?)│$", shown[: shown.index("─ Options")], re.M)
    assert [row for row in rows if row.startswith(" ")] == []  # each fits on its line


def test_options_of_the_planner_are_one_line_of_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["help", "run"]) == 0

    shown = capsys.readouterr().out
    assert "--planner-model TEXT" in shown
    assert "--planner-…" in shown
    assert "│ --planner-temperature" not in shown


def list_examples() -> list[str]:
    return [line for lines in EXAMPLES.values() for line in lines]


@pytest.mark.parametrize("line", list_examples())
def test_example_is_a_command_line_that_the_application_takes(line: str) -> None:
    command = re.findall(r"(?<![\w./-])forge .*?(?= \| | > |\)|$)", line)[0]

    build_app(with_help=False).parse_args(
        shlex.split(command)[1:], exit_on_error=False, print_error=False
    )


@pytest.mark.parametrize(
    ("argv", "output"),
    [
        (["ls"], "no runs recorded yet; there is no database at "),
        (["version"], f"{version('forge-cli')}\n"),
        (["logs"], "error: which run? forge logs RUN, or @last for the newest"),
        (["help", "db", "prun"], "error: unknown command 'db prun': did you mean 'db prune'?\n"),
        (["help", "nothing"], "error: unknown command 'nothing': `forge help` lists them all\n"),
    ],
    ids=" ".join,
)
def test_names_of_other_programs_are_understood(
    argv: list[str], output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call(argv)

    assert "".join(capsys.readouterr()).startswith(output)


@pytest.mark.parametrize(
    ("options", "verbosity"),
    [
        ("", 0),
        ("-v", 1),
        ("-vv", 2),
        ("-v -v", 2),
        ("--log-level info", 1),
        ("--log-level debug", 2),
        ("--log-level info -vv", 2),
    ],
)
def test_log_is_asked_for_by_its_level_or_in_short(options: str, verbosity: int) -> None:
    _, bound, _ = build_app(with_help=False).meta.parse_args(["status", *options.split()])

    given = bound.arguments.get("options", GlobalOptions())
    assert given.verbosity == verbosity


@pytest.mark.parametrize("argv", [["db"], ["server"], ["db", "--help"], ["server", "--help"]])
def test_each_command_of_a_group_says_what_it_does(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    call(argv)

    commands = re.search(r"─ Commands ─+╮\n(.*?)╰", capsys.readouterr().out, re.S)
    assert commands is not None
    assert re.findall(r"^│ (\w+) +│$", commands[1], re.M) == []


@pytest.mark.parametrize(
    ("argv", "parsed"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param(["status", "-vv"], True, id="log"),
        pytest.param(["status", "--log-level", "info"], True, id="level"),
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


@pytest.mark.parametrize("text", ["1.5", "2.0", "0x2", "1e2", "none", "", "1_0", "\u0662"])
@pytest.mark.parametrize(
    "line",
    [
        "status --limit",
        "status --attempt",
        "run x --max-attempts",
        "run x --token-budget",
        "run x --repo-map-tokens",
        "worker --max-activities",
    ],
)
def test_whole_number_is_written_in_digits(
    line: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call([*line.split(), text])

    option = line.rsplit(maxsplit=1)[-1]
    error = f"error: Invalid value for {option}: {text!r} is not a whole number\n"
    assert (code, capsys.readouterr().err) == (2, error)


def test_number_that_no_column_holds_is_said_to_be_too_large(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = call(["calls", "--limit", "9" * 19])

    error = f"error: Invalid value for --limit: '{'9' * 19}' is too large a number\n"
    assert (code, capsys.readouterr().err) == (2, error)


def test_whole_number_of_a_configuration_file_is_taken(
    private_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (private_environment / "config/forge").mkdir(parents=True)
    (private_environment / "config/forge/config.toml").write_text("[status]\nlimit = 3\n")

    code = call(["status"])

    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("run x --repo", "--repo"),
        ("run --task-file", "--task-file"),
        ("clean --repo", "--repo"),
        ("doctor --repo", "--repo"),
        ("config --repo", "--repo"),
        ("db export --output", "--output"),
        ("db backup", ""),
    ],
)
def test_empty_path_is_not_the_current_directory(
    line: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call([*line.split(), ""])

    where = f"Invalid value for {option}: " if option else ""
    assert (code, capsys.readouterr().err) == (2, f"error: {where}the path is empty\n")
