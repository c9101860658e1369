"""Tests that fail without the change are told apart from those that a task is about."""

import time

import pytest
from forge_core.shell.bounds import CommandResult
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.commands.failing_tests import (
    fail_alike,
    is_about,
    list_failing_tests,
)

PYTEST = """\
============================= test session starts ==============================
collected 2 items

tests/test_feed.py F.                                                    [100%]

=================================== FAILURES ===================================
__________________________________ test_fetch __________________________________
tests/test_feed.py:9: in test_fetch
    assert fetch() == 2
E   assert 1 == 2
=========================== short test summary info ============================
FAILED tests/test_feed.py::test_fetch - assert 1 == 2
========================= 1 failed, 1 passed in 0.03s ==========================
"""


def end(output: str, returncode: int = 1, *, truncated: bool = False) -> CommandResult:
    return CommandResult(returncode, output, truncated, 1000.0)


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (PYTEST, ["tests/test_feed.py::test_fetch"]),
        ("ERROR tests/test_a.py - ImportError: no x", ["tests/test_a.py"]),
        ("FAIL: test_a (tests.test_a.A.test_a)\n---", ["test_a (tests.test_a.A.test_a)"]),
        (
            "--- FAIL: TestSum (0.00s)\n    --- FAIL: TestSum/zero (0.00s)",
            ["TestSum", "TestSum/zero"],
        ),
        ("test sum::zero ... FAILED", ["sum::zero"]),
        ("ok 1 - one\nnot ok 2 - two words", ["two words"]),
        ("  \u2715 adds two (12 ms)\n  \u2713 adds", ["adds two"]),
        ("rspec ./spec/a_spec.rb:3 # A", ["./spec/a_spec.rb:3"]),
        ("2/3 Test  #2: sums ......***Failed    0.01 sec", ["sums"]),
        ("SumTest > adds() FAILED", ["SumTest > adds()"]),
        ("\x1b[31mFAILED\x1b[0m t.py::test_a - x", ["t.py::test_a"]),
        ("error: THE CAUSE\nnote 1: what follows\nFAILED (failures=1)", []),
    ],
)
def test_runners_name_what_fails(output: str, names: list[str]) -> None:
    assert list_failing_tests(output) == names


@pytest.mark.parametrize(
    ("output", "alike"),
    [
        pytest.param(PYTEST.replace("0.03s", "1.20s"), True, id="in another time"),
        pytest.param(
            PYTEST.replace(
                "tests/test_feed.py F", "tests/test_a.py ..   [ 50%]\ntests/test_feed.py F"
            )
            .replace("2 items", "4 items")
            .replace("1 passed", "3 passed"),
            True,
            id="beside new tests that pass",
        ),
        pytest.param(PYTEST.replace("1 == 2", "3 == 2"), False, id="with another value"),
        pytest.param(
            PYTEST.replace("FAILED tests", "FAILED tests/test_a.py::test_b - x\nFAILED tests"),
            False,
            id="beside another one",
        ),
        pytest.param(PYTEST + "Segmentation fault", False, id="and something else is said"),
    ],
)
def test_the_same_tests_fail_only_if_each_says_the_same(output: str, alike: bool) -> None:
    assert fail_alike(end(output), end(PYTEST)) == alike
    assert fail_alike(end(PYTEST), end(output)) == alike


def test_nothing_is_known_of_tests_without_names_or_with_half_an_output() -> None:
    assert not fail_alike(end("broken"), end("broken"))
    assert not fail_alike(end(PYTEST, truncated=True), end(PYTEST))
    assert not fail_alike(end(PYTEST, 2), end(PYTEST))


@pytest.mark.parametrize(
    ("task", "paths", "about"),
    [
        ("Add a colour to the banner.", ("banner.py",), False),
        ("Add a banner and tests for it.", ("banner.py", "tests/test_banner.py"), False),
        ("Fix it.", ("banner.py",), True),
        ("Make the suite pass.", ("banner.py",), True),
        ("Two tests are failing.", ("banner.py",), True),
        ("Write the feed.", ("banner.py",), True),
        ("Write fetchAll.", ("banner.py",), True),
        ("Say it.", ("tests/test_feed.py",), True),
        ("Say it.", ("feed.py",), False),
    ],
)
def test_task_is_about_tests_by_its_words_or_its_files(
    task: str, paths: tuple[str, ...], about: bool
) -> None:
    assert is_about(ChangedFiles(paths, task=task), PYTEST) == about


def test_task_is_about_tests_whose_output_leads_through_its_files() -> None:
    output = PYTEST.replace("E   assert", "src/feed.py:3: in fetch\nE   assert")

    assert is_about(ChangedFiles(("src/feed.py",), task="Say it."), output)
    assert is_about(ChangedFiles((), task="Say it.", target_files=("src/feed.py",)), output)
    assert not is_about(ChangedFiles(("src/fee.py",), task="Say it."), output)


@pytest.mark.parametrize(
    "module", ["No module named 'pkg.feed'", "cannot import name 'a' from feed"]
)
def test_task_is_about_tests_that_cannot_import_its_file(module: str) -> None:
    output = f"E   ImportError: {module}\nERROR tests/test_a.py - ImportError: {module}"

    assert is_about(ChangedFiles((), task="Say it.", target_files=("src/pkg/feed.py",)), output)
    assert is_about(ChangedFiles(("feed/__init__.py",), task="Say it."), output)
    assert not is_about(ChangedFiles((), task="Say it.", target_files=("src/pkg/fee.py",)), output)


@pytest.mark.parametrize("part", ["\n", " > x", "a."])
def test_names_are_sought_in_time_that_grows_with_the_output_alone(part: str) -> None:
    began = time.process_time()

    assert list_failing_tests(f"Failed {part * 20_000}") == []
    assert time.process_time() - began < 1.0
