"""What became of a call's answer, in one word, and why."""

import pytest
from forge_cli.views.calls.outcome import Outcome, judge_call
from forge_obs import Interaction

BROKEN = "ruff_lint: not run: ruff.toml is no TOML"


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        pytest.param({"outcome": "refused", "outcome_reason": "no"}, Outcome("refused", "no")),
        pytest.param({"outcome": "unusable", "error": "no JSON"}, Outcome("unusable", "no JSON")),
        pytest.param({"outcome_reason": BROKEN}, Outcome("answered", BROKEN), id="broken check"),
        pytest.param({}, Outcome("answered")),
        pytest.param({"status": "error", "error": "too late"}, Outcome("failed", "too late")),
    ],
)
def test_call_is_judged_by_what_is_on_record(columns: dict[str, str], outcome: Outcome) -> None:
    assert judge_call(Interaction(**columns)) == outcome  # type: ignore[arg-type]
