"""A check is refused, in words that a user understands, where it could not work."""

import pytest
from forge_core.models.check import BUILT_IN, Check
from forge_core.models.task import ValidationConfig
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"name": ""}, "is no name of a check", id="no name"),
        pytest.param({"name": "a b"}, "is no name of a check", id="space"),
        pytest.param({"name": "x" * 41}, "is no name of a check", id="long"),
        pytest.param({"name": "tests"}, "one of Forge's own", id="built in"),
        pytest.param({"command": " "}, "the command is empty", id="no command"),
        pytest.param({"command": "a\0b"}, "null character", id="null"),
        pytest.param({"command": "x '{files}'"}, "stands in quotes", id="single quotes"),
        pytest.param({"command": 'x "a {files}"'}, "stands in quotes", id="double quotes"),
        pytest.param({"command": "sh -c 'x {files}'"}, "stands in quotes", id="inner shell"),
        pytest.param({"command": r"""x "\"" '{files}'"""}, "stands in quotes", id="escape"),
        pytest.param({"fix": "x '{files}'"}, "stands in quotes", id="fix"),
        pytest.param({"files": ("/a",)}, "matches no file", id="absolute"),
        pytest.param({"files": ("../a",)}, "matches no file", id="above"),
        pytest.param({"files": ("",)}, "matches no file", id="empty pattern"),
        pytest.param({"timeout_s": 0}, "greater than 0", id="no time"),
        pytest.param({"shell": "zsh"}, "not permitted", id="unknown key"),
    ],
)
def test_check_that_cannot_work_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Check.model_validate({"name": "a", "command": "true", **values})


@pytest.mark.parametrize(
    "command",
    [
        "eslint {files}",
        "echo 'a b' \"c\" && x {files}",
        r"x \' {files} \'",
        "x 'it'\\''s' {files}",
        "cargo check",
    ],
)
def test_placeholder_outside_of_quotes_is_accepted(command: str) -> None:
    assert Check(name="a", command=command).command == command


def test_every_name_of_a_verdict_of_ours_is_taken() -> None:
    for name in BUILT_IN:
        with pytest.raises(ValidationError, match="Forge's own"):
            Check(name=name, command="true")


def test_two_checks_of_one_name_are_refused() -> None:
    check = Check(name="a", command="true")

    with pytest.raises(ValidationError, match="two checks are called 'a'"):
        ValidationConfig(checks=(check, check))


def test_commands_that_decide_are_those_of_tests_and_checks() -> None:
    checks = (Check(name="a", command="one", fix="two", timeout_s=10),)
    config = ValidationConfig(
        checks=checks, run_tests=True, test_command="three", test_timeout_s=100
    )

    assert set(config.commands) == {"one", "two", "three"}
    assert config.runs_commands
    assert config.longest_s >= 2 * 100 + 2 * 10
