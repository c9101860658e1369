"""A check is named with what it found, as far as its output tells."""

import pytest
from forge_core.models.finding import describe_finding

UNITTEST = """\
first failure, line 4: FAIL: test_weekly (tests.test_reports.ReportTest)

.F
======================================================================
FAIL: test_weekly (tests.test_reports.ReportTest)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "tests/test_reports.py", line 10, in test_weekly
    self.assertEqual(weekly(), "week 53")
AssertionError: 'week 1' != 'week 53'
- week 1
"""
FAILED_WEEKLY = (
    "FAIL: test_weekly (tests.test_reports.ReportTest): AssertionError: 'week 1' != 'week 53'"
)
PYTEST = """\
=================================== FAILURES ===================================
    def test_sum():
>       assert 1 == 2
E       assert 1 == 2
=========================== short test summary info ============================
FAILED tests/test_sum.py::test_sum - assert 1 == 2
FAILED tests/test_sum.py::test_more - assert 3 == 4
"""
GO = "--- FAIL: TestSum (0.00s)\n    sum_test.go:9: got 1, want 2\nFAIL\n"
RUST = "test sums::adds ... FAILED\n\nfailures:\n"
NODE = "/app/cart.js:2\n  return (;\n          ^\n\nSyntaxError: Unexpected token ';'\n    at f\n"
C = "main.c:3:5: error: 'x' undeclared\n"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (UNITTEST, FAILED_WEEKLY),
        (PYTEST, "FAILED tests/test_sum.py::test_sum - assert 1 == 2"),
        (GO, "--- FAIL: TestSum (0.00s)"),
        (RUST, "test sums::adds ... FAILED"),
        (NODE, "SyntaxError: Unexpected token ';'"),
        (C, "main.c:3:5: error: 'x' undeclared"),
        ("it does not work\n", "exit 1 in 0.5 s"),
        (None, "exit 1 in 0.5 s"),
    ],
    ids=["unittest", "pytest", "go", "rust", "node", "c", "silent", "nothing"],
)
def test_command_that_failed_is_named_with_its_first_failure(
    output: str | None, found: str
) -> None:
    assert describe_finding("tests", "exit 1 in 0.5 s", output) == f"tests: {found}"


def test_what_else_the_summary_says_stays() -> None:
    said = describe_finding("tests", "exit 1 in 0.5 s, in the same way as without the change", C)

    assert said == "tests: main.c:3:5: error: 'x' undeclared, in the same way as without the change"


def test_command_that_was_killed_is_described_by_how_it_ended() -> None:
    assert describe_finding("tests", "killed after 9.0 s", C) == "tests: killed after 9.0 s"


def test_linter_is_named_with_its_first_finding() -> None:
    assert describe_finding("ruff_lint", "2 findings", "a.py:1 F821\nb") == "ruff_lint: a.py:1 F821"
