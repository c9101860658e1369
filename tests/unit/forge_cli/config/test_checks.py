"""Checks are read from files and options, and those of a stranger's repository do not run."""

import tomllib

import pytest
from forge_cli.config.checks import (
    REPLACED,
    UNTRUSTED,
    CheckSource,
    build_check_defaults,
    merge_checks,
    parse_check_option,
    select_checks,
)
from forge_cli.config.settings import parse_config
from forge_core.errors import UsageError
from forge_core.models.check import Check

USER, REPOSITORY = "/home/a/config.toml", "/src/forge.toml"

ESLINT = """
[[checks]]
name = "eslint"
command = "npx eslint {files}"
files = ["*.js", "*.ts"]
fix = "npx eslint --fix {files}"
timeout_s = 60
"""


@pytest.mark.parametrize("repository", [True, False], ids=["repository", "user"])
def test_tables_define_checks(*, repository: bool) -> None:
    file = parse_config(REPOSITORY, tomllib.loads(ESLINT), repository=repository)

    assert file.values == {}
    assert file.checks == (
        Check(
            name="eslint",
            command="npx eslint {files}",
            files=("*.js", "*.ts"),
            fix="npx eslint --fix {files}",
            timeout_s=60,
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("checks = 1", r"checks must be tables that begin with \[\[", id="number"),
        pytest.param("checks = 'x'", r"checks must be tables that begin with \[\[", id="text"),
        pytest.param("[checks]\na = 1", r"checks must be tables that begin with \[\[", id="table"),
        pytest.param("checks = [1]", "check 1: it: ", id="no table"),
        pytest.param("[[checks]]\nname = 'a'", "check 1: command: ", id="no command"),
        pytest.param("[[checks]]\nname = 'a'\ncommand = 3", "check 1: command: ", id="kind"),
        pytest.param("[[checks]]\nname='a'\ncommand='b'\nx=1", "check 1: x: ", id="unknown"),
        pytest.param(
            "[[checks]]\nname='a'\ncommand='b'\nfiles='*'", "check 1: files: ", id="files"
        ),
        pytest.param(
            "[[checks]]\nname='a'\ncommand='b'\n" * 2, "two checks are called 'a'", id="twice"
        ),
        pytest.param("[[checks]]\nname='syntax'\ncommand='b'", "Forge's own checks", id="ours"),
        pytest.param(
            "[[checks]]\nname='a'\ncommand='b \"{files}\"'", "stands in quotes", id="quoted"
        ),
    ],
)
def test_fault_is_told_with_file_and_check(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_config(USER, tomllib.loads(text), repository=False)

    assert str(caught.value).startswith(f"{USER}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("a=true", Check(name="a", command="true")),
        ("a=x --y=z {files}", Check(name="a", command="x --y=z {files}")),
        ("a:*.js=x:y", Check(name="a", command="x:y", files=("*.js",))),
        ("a:*.js:src/**=x", Check(name="a", command="x", files=("*.js", "src/**"))),
    ],
)
def test_option_defines_a_check(text: str, check: Check) -> None:
    assert parse_check_option(text) == check


@pytest.mark.parametrize("text", ["", "eslint", "=x", "a=", "a b=x", "tests=x", "a:=x"])
def test_option_that_defines_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--check"):
        parse_check_option(text)


def test_the_last_check_of_a_name_counts() -> None:
    one, two = Check(name="a", command="1"), Check(name="b", command="1")
    other = Check(name="a", command="2")

    assert merge_checks([one, two], [other]) == (other, two)


def test_check_of_a_stranger_is_named_only() -> None:
    own = CheckSource(Check(name="a", command="1"), USER)
    foreign = CheckSource(Check(name="b", command="2"), REPOSITORY)

    sources = select_checks([own], [foreign], UNTRUSTED)

    assert [source.skipped for source in sources] == [None, UNTRUSTED]
    assert build_check_defaults(sources) == {"checks": (own.check,), "skipped_checks": ("b",)}


def test_check_of_a_trusted_repository_runs_unless_the_user_has_one_of_its_name() -> None:
    own = CheckSource(Check(name="a", command="1"), USER)
    foreign = [
        CheckSource(Check(name="a", command="theirs"), REPOSITORY),
        CheckSource(Check(name="b", command="2"), REPOSITORY),
    ]

    sources = select_checks([own], foreign, None)

    assert [source.skipped for source in sources] == [None, REPLACED, None]
    assert build_check_defaults(sources) == {"checks": (own.check, foreign[1].check)}
