"""Lines of libraries are told without what they quote."""

import logging
import sys
from typing import Any

import pytest
from forge_cli.terminal.logs import SDK_CORE, describe_foreign

SECRET = "a prompt"


def record(
    text: object, *args: Any, path: str = __file__, error: BaseException | None = None
) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("library.part", logging.DEBUG, path, 1, text, args, told, "function")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (record("sent %s in %d ms", SECRET, 12), "library.part: sent … in 12 ms"),
        (record("took %.1f s, %r", 1.25, [SECRET]), "library.part: took 1.2 s, …"),
        (record("%(what)s of %(count)d", {"what": SECRET, "count": 3}), "library.part: … of 3"),
        (record("%d given", SECRET), "library.part: %d given"),
        (record("100%"), "library.part: 100%"),
        (record(f"it says {SECRET}"), "library.part: … (in function)"),
        (record(ValueError(SECRET)), "library.part: … (in function)"),
        (record("100%", path="/no/such.py"), "library.part: … (in function)"),
        (record("from core", path=SDK_CORE), "library.part: from core"),
    ],
    ids=[
        "text and number", "fraction and list", "by name", "no number", "nothing to fill in",
        "filled in before", "no text", "no source", "Temporal's core",
    ],
)  # fmt: skip
def test_values_other_than_numbers_are_withheld(line: logging.LogRecord, told: str) -> None:
    assert describe_foreign(line) == told


def test_of_an_error_types_and_places_are_told() -> None:
    try:
        try:
            int(SECRET)
        except ValueError as cause:
            raise LookupError(SECRET) from cause
    except LookupError as error:
        told = describe_foreign(record("failed", error=error))

    first, second, place, third, other = told.splitlines()
    assert (first, second, third) == ("library.part: failed", "LookupError at", "ValueError at")
    assert place.startswith(f"  {__file__}:")
    assert other.endswith(f"in {sys._getframe().f_code.co_name}")
    assert SECRET not in told
