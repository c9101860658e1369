"""What a check found, in one line; pure, and without any library."""

import re
from typing import Final

LISTING: Final = frozenset({"ruff_lint", "syntax"})
"""Checks whose details begin with the first finding."""

END: Final = re.compile(r"exit \d+ in [\d.]+ s")
"""How the summary of a command begins that ended by itself."""

FAILED_TEST: Final = re.compile(
    r"^(?:FAILED \S+::.*|(?:FAIL|ERROR): .+|--- FAIL: .+|not ok \d.*|[ \t]*● .+"
    r"|test \S+ \.\.\. FAILED)$",
    re.MULTILINE,
)
"""The line in which pytest, unittest, Go, TAP, Jest or Rust names a test that failed."""

CAUSE: Final = re.compile(
    r"^(?:(?:\w+\.)*\w*(?:Error|Exception)(?: \[\w+\])?: .+|AssertionError|E {3}.+"
    r"|error(?:\[\w+\])?: .+|\S+:\d+(?::\d+)?:? (?:fatal )?error.*)$",
    re.MULTILINE,
)
"""The line that says what went wrong: of an exception, or of a compiler."""

LINE_LENGTH: Final = 200
"""Characters of each of the two."""


def describe_finding(check_name: str, summary: str, details: str | None) -> str:
    """Name a check with what it found.

    Of a linter that is the first finding itself; of a command that failed, the first test that it
    names and what went wrong, where its output tells, and else how it ended.
    """
    if check_name in LISTING:
        return f"{check_name}: {(details or '').strip().partition(chr(10))[0] or summary}"
    end = END.match(summary)
    failure = find_failure(details or "") if end is not None else ""
    said = failure + summary[end.end() :] if end is not None and failure else summary
    return f"{check_name}: {said}"


def find_failure(output: str) -> str:
    """Return the first failure that the output of a command tells of; empty where it tells none."""
    test = FAILED_TEST.search(output)
    cause = CAUSE.search(output, test.end() if test is not None else 0)
    lines = [match[0].strip()[:LINE_LENGTH] for match in (test, cause) if match is not None]
    if test is not None and " - " in test[0]:
        del lines[1:]  # pytest's summary has the cause
    return ": ".join(lines)
