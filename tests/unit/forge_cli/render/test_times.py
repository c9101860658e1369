"""What a run waited for, in words."""

import pytest
from forge_cli.render.times import describe_pause, describe_waits


@pytest.mark.parametrize(
    ("has_account", "or_paused", "words"),
    [
        (True, "", "for Temporal or its worker"),
        (False, ", or paused", "for Temporal, its worker or a pause"),
    ],
)
def test_pause_is_named_among_other_waits_only_where_nobody_knows_it(
    has_account: bool, or_paused: str, words: str
) -> None:
    waits = {"start": 0.04, "between": 2.0, "unanswered": 1.0}

    assert describe_waits(waits, has_account=has_account) == (
        f"1.0 s for requests whose outcome is unknown{or_paused}, 2.0 s between activities, {words}"
    )


def test_run_that_was_never_paused_says_nothing_of_pauses() -> None:
    assert describe_pause(0.0) == ""
    assert describe_pause(61.0) == ", 1 min 1 s of it paused"
