"""What a run was started with, read tolerantly from its row; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from forge_cli.views.json_text import load_object

MOST_ATTEMPTS = {
    "task": "max_attempts",
    "step": "max_step_attempts",
    "sub-task": "max_sub_task_attempts",
}
"""Names of the limits by the kind of unit."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """What was asked for."""

    description: str = ""
    most_attempts: Mapping[str, int] = field(default_factory=dict)
    """Attempts at a unit by its kind, as far as that is known."""
    test_command: str = ""
    """What tested the worktree; empty where nothing did."""
    checks: tuple[str, ...] = ()
    """Names of the user's own checks."""


def read_request(description: str | None, request_json: str | None) -> RequestView:
    """Read what a run was started with; what is missing or damaged is left out."""
    request = load_object(request_json or "{}")
    limits = {kind: request.get(name) for kind, name in MOST_ATTEMPTS.items()}
    validation = _get_object(_get_object(request, "task"), "validation")
    test_command = validation.get("test_command") if validation.get("run_tests") else None
    return RequestView(
        description or "",
        {kind: limit for kind, limit in limits.items() if isinstance(limit, int) and limit > 0},
        test_command if isinstance(test_command, str) else "",
        tuple(_list_names(validation.get("checks"))),
    )


def _get_object(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _list_names(checks: object) -> Iterator[str]:
    for check in checks if isinstance(checks, list) else ():
        name = check.get("name") if isinstance(check, dict) else None
        if isinstance(name, str):
            yield name
