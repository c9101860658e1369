"""Steps and sub-tasks that users name, and a run must have."""

from forge_obs import Interaction

from forge_cli.errors import NothingRecorded, UnknownUnit
from forge_cli.escape import escape_line
from forge_cli.store.queries import Store
from forge_cli.views.calls.selection import CallFilter, find_unknown
from forge_cli.views.outline import Outline, build_outline

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
    kind, name, names = unknown
    if not names:
        raise UnknownUnit(f"the run has no {kind} {name!r}: it has no {kind}s")
    shown = list(map(escape_line, names[:MOST_NAMED]))
    rest = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    raise UnknownUnit(f"the run has no {kind} {name!r}: it has {', '.join([*shown, *rest])}")


def read_last_call(store: Store, workflow_id: str, query: CallFilter) -> Interaction:
    """Read the last call of a run that is asked for, with its texts.

    Raises:
        UnknownUnit: The run has no such step or sub-task.
        NothingRecorded: No call of it is on record.
        UnknownWorkflow: There is no such run.
        StoreError: The store cannot be read.
    """
    view, calls, _ = store.get_run(workflow_id, texts=False)
    require_units(query, build_outline(view.result, calls, running=view.status == "running"))
    accepted = [call for call in calls if query.accepts(call)]
    if not accepted:
        raise NothingRecorded(
            f"run {escape_line(workflow_id)} has no call of {escape_line(query.describe())} yet"
        )
    return store.read_again(accepted[-1])
