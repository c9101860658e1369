"""A command line that cannot be carried out is answered with how it is right."""

import pytest
from forge_cli.app import call


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("staus", 'Unknown command "staus". Did you mean "status"? `forge help` lists them.'),
        ("ps", 'Unknown command "ps". Did you mean "status"? `forge help` lists them.'),
        ("db exprot", 'Unknown command "exprot". Did you mean "export"? `forge help` lists them.'),
        ("show", "CALL is missing: forge show CALL [OPTIONS], or forge show RUN [NUMBER] "),
        ("db prune", "--older-than is missing: forge db prune --older-than AGE [OPTIONS]"),
        ("run x --model", "--model needs a value: `forge run --help` says which"),
        ("run Add a parser", "put the description in quotes, forge run 'Add a parser'"),
        ("calls connection pool", "put the text in quotes, forge calls 'connection pool'"),
        ("run x --target-file a.py b.py", "unexpected 'b.py': give --target-file once for each"),
        ("status a b", "unexpected 'b': forge status [RUN] [OPTIONS]"),
        ("demo a", "unexpected 'a': forge demo [OPTIONS]"),
        ("run x --max-cost 1$", "Invalid value for --max-cost: '1$' is not a number"),
        ("show x abc", "'abc' is not a whole number"),
        ("show x 0", 'Invalid value "0" for NUMBER. Must be >= 1.'),
        ("diff", "an argument is missing: forge diff CALL [CALL] [OPTIONS], or forge diff RUN"),
        ("config --repo /nowhere", "/nowhere is not a directory"),
        ("run x -m a", "Unknown option: -m: did you mean --model?"),
        ("clean --verbose", "Unknown option: --verbose: the log is --log-level info, in short -v"),
        ("config --foo", "Unknown option: --foo: `forge config --help` lists the options"),
        ("run x --planer", "Unknown option: --planer. Did you mean --plan?"),
        ("resume", "which run? forge resume RUN, or @last for the newest;"),
        (
            "cancel",
            "which run? forge cancel RUN, or @last for the newest; `forge status` lists them",
        ),
        ("status x --workflow-id y", "two runs are named, 'x' and --workflow-id 'y': give one"),
    ],
)
def test_mistake_is_answered_with_what_is_right(
    argv: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(argv.split())

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1
