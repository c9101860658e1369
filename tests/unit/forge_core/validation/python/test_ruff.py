from forge_core.shell.bounds import CommandResult
from forge_core.validation.python.ruff import explain_refusal


def test_error_of_ruff_is_named_rather_than_the_warning_before_it() -> None:
    output = "warning: Rules have been removed:\n    - UP038\n\nerror: Failed to read a.py: gone\n"

    reason = explain_refusal(CommandResult(2, output, truncated=False, duration_ms=1.0))

    assert reason == "ruff ended with exit 2: error: Failed to read a.py: gone"
