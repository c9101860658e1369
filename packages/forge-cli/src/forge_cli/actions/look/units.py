"""Steps and sub-tasks that users name, and a run must have."""

from forge_cli.errors import UnknownUnit
from forge_cli.escape import escape_line
from forge_cli.views.calls.selection import CallFilter, find_unknown
from forge_cli.views.outline import Outline

MOST_NAMED = 12
"""Steps that the refusal of another one names."""


def require_units(query: CallFilter, outline: Outline) -> None:
    """Check that a run has the step and the sub-task that are asked for.

    Raises:
        UnknownUnit: It does not; the message names those that it has.
    """
    unknown = find_unknown(query, outline)
    if unknown is None:
        return
    kind, name, known = unknown
    if not known:
        raise UnknownUnit(f"the run has no {kind} {name!r}: it has no {kind}s")
    shown = list(map(escape_line, known[:MOST_NAMED]))
    rest = [f"{len(known) - len(shown)} more"] if len(known) > len(shown) else []
    raise UnknownUnit(f"the run has no {kind} {name!r}: it has {', '.join([*shown, *rest])}")
