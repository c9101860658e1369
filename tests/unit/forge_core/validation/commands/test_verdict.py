"""The exit code decides, what stood before is no fault, and what cannot run is the machine's."""

from typing import Any

import pytest
from forge_core.shell.bounds import CommandResult
from forge_core.validation.commands.verdict import BaseRun, build_check_verdict


def result(returncode: int | None, output: str = "", **values: Any) -> CommandResult:
    return CommandResult(
        returncode,
        output,
        truncated=values.get("truncated", False),
        duration_ms=100,
        exceeded=values.get("exceeded"),
    )


def test_exit_code_decides() -> None:
    passed = build_check_verdict("a", result(0, "warning"), None)
    failed = build_check_verdict("a", result(3, "error: x"), None)

    assert (passed.passed, passed.summary, passed.details) == (True, "exit 0 in 0.1 s", None)
    assert (failed.passed, failed.summary, failed.details) == (False, "exit 3 in 0.1 s", "error: x")


def test_what_stood_before_passes_with_a_warning() -> None:
    verdict = build_check_verdict("a", result(1, "x:2 bad"), BaseRun(result(1, "x:1 bad")))

    assert (verdict.passed, verdict.warning) == (True, True)
    assert verdict.summary == "exit 1 in 0.1 s, as without the change: nothing new"


def test_what_is_new_comes_first() -> None:
    verdict = build_check_verdict("a", result(1, "old\nnew"), BaseRun(result(1, "old")))

    assert not verdict.passed
    assert verdict.summary == "exit 1 in 0.1 s; it fails without the change, too"
    assert verdict.details is not None
    assert verdict.details.startswith("Printed with the change only:\nnew\n\n")
    assert verdict.details.endswith("old\nnew")


@pytest.mark.parametrize(
    ("done", "base"),
    [
        pytest.param(result(1, "x"), result(0, "x"), id="passes before"),
        pytest.param(result(2, "x"), result(1, "x"), id="ends otherwise"),
        pytest.param(result(1), result(1), id="silent"),
        pytest.param(result(1, "x", truncated=True), result(1, "x"), id="cut short"),
        pytest.param(result(1, "x"), result(1, "x", truncated=True), id="base cut short"),
        pytest.param(result(127, "x"), result(127, "x"), id="did not run"),
        pytest.param(result(None, "x"), result(None, "x"), id="took too long"),
        pytest.param(result(1, "x"), result(127, "x"), id="base did not run"),
    ],
)
def test_only_what_is_known_to_have_stood_passes(done: CommandResult, base: CommandResult) -> None:
    assert not build_check_verdict("a", done, BaseRun(base)).passed


@pytest.mark.parametrize("code", [126, 127])
def test_command_that_did_not_run_is_no_verdict_on_the_files(code: int) -> None:
    verdict = build_check_verdict("a", result(code, "sh: x: not found"), None)

    assert (verdict.passed, verdict.unusable) == (False, True)
    assert verdict.summary.startswith(f"its command could not run: exit {code}, ")


def test_limits_are_named() -> None:
    assert build_check_verdict("a", result(None), None).summary == "killed after 0.1 s"
    killed = build_check_verdict("a", result(None, exceeded="more than 5 processes"), None)
    assert killed.summary == "killed for more than 5 processes after 0.1 s"


def test_remark_on_a_fix_is_a_warning() -> None:
    verdict = build_check_verdict("a", result(0), None, "; its fix was undone")

    assert (verdict.passed, verdict.warning) == (True, True)
    assert verdict.summary == "exit 0 in 0.1 s; its fix was undone"
