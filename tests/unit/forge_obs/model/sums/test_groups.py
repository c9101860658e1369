"""What became of a call, and how it failed, in one word each."""

import pytest
from forge_obs.model.sums.groups import name_failure, name_outcome


@pytest.mark.parametrize(
    ("status", "outcome", "name"),
    [
        ("ok", None, "ok"),
        ("ok", "accepted", "accepted"),
        ("ok", "refused", "refused"),
        ("error", None, "error"),
        ("error", "unusable", "unusable"),
        ("started", None, "started"),
    ],
)
def test_calls_of_an_outcome_are_those_that_are_filtered_by_it(
    status: str, outcome: str | None, name: str
) -> None:
    assert name_outcome(status, outcome) == name


@pytest.mark.parametrize(
    ("status", "error", "outcome", "has_checks", "name"),
    [
        ("ok", None, "accepted", False, None),
        ("ok", None, None, False, None),
        ("ok", None, "asked", False, None),
        ("ok", None, "refused", True, "refused by checks"),
        ("ok", None, "refused", False, "refused: does not fit the files"),
        ("ok", None, "unusable", False, "unusable answer"),
        ("error", "invalid_output", "unusable", False, "unusable answer"),
        ("error", "rate_limited", None, False, "rate_limited"),
        ("error", None, None, False, "error"),
        ("started", None, None, False, "no outcome on record"),
    ],
)
def test_failure_has_one_name_whoever_found_it(
    status: str, error: str | None, outcome: str | None, has_checks: bool, name: str | None
) -> None:
    assert name_failure(status, error, outcome, has_checks=has_checks) == name
