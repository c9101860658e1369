"""``forge db prune``, ``backup`` and ``export``: keeping the store in order."""

from datetime import UTC, datetime
from pathlib import Path

from forge_core.errors import UsageError
from forge_obs.environment.process import get_db_path
from forge_obs.errors import StoreUnavailable

from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.since import parse_since
from forge_cli.options.types import Place, PlaceOrNone, Switch
from forge_cli.render.json_documents import build_row, dump
from forge_cli.store.queries import STORE_OFF
from forge_cli.terminal.confirm import confirm
from forge_cli.terminal.console import print_note, print_text
from forge_cli.terminal.output_file import writing_to

EXPORTED = ("runs", "interactions")
"""Tables in the order of their export."""


def prune(*, older_than: str, yes: Switch = False, dry_run: Switch = False) -> ExitCode:
    """Delete runs that ended long ago, with their calls, and give the disk back.

    Runs that have not ended stay; an interrupted one counts as ended at its last sign of life,
    unless a configured server has it under way. Calls that belong to no run are deleted by their
    own age. Payloads and logs that the embedded server's state directory holds go once that
    server says that their run has ended, whatever store it is in. Commands that record meanwhile
    go on.

    Args:
        older_than: Delete what ended longer ago than this, as 30d or 12h, or before a day, as
            2026-11-01.
        yes: Do not ask.
        dry_run: Say what would be deleted, and delete nothing.
    """
    from forge_cli.actions.prune import (  # noqa: PLC0415 - imports SQLAlchemy, Temporal
        find_prunable,
        prune_all,
        render_prunable,
    )

    path, before = get_db_path(), parse_since(older_than, datetime.now(UTC), "--older-than")
    if path is None:
        print_note(STORE_OFF)
    found = find_prunable(path, before)
    question = render_prunable(found)
    if not question:
        print_text("nothing is old enough to be deleted")
    elif dry_run:
        print_text(question)
    elif confirm(f"{question} Delete them?", yes=yes):
        print_text(prune_all(found))
    else:
        print_text("nothing was deleted")
    return ExitCode.SUCCESS


def backup(target: Place, /) -> ExitCode:
    """Copy the database to a new file, also while it is in use.

    The copy is the store of one moment, and readable by you alone. An existing file is left as it
    is.

    Args:
        target: The new file.
    """
    from forge_obs.admin.maintenance import back_up  # noqa: PLC0415 - imports SQLAlchemy

    path = _require_path()
    if not path.exists():
        raise UsageError(f"there is no database at {path} yet")
    try:
        size = back_up(path, target.expanduser())
    except FileExistsError as error:
        raise UsageError(f"{target} exists already: choose another file") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be made: {error.strerror}") from error
    print_text(f"{escape_line(str(target))}: {size:,} bytes")
    return ExitCode.SUCCESS


def export(*, jsonl: Switch = True, output: PlaceOrNone = None) -> ExitCode:  # noqa: ARG001
    """Print every row of the store, prompts and answers included.

    Runs come first, then calls, each in the order of recording. Only a few rows are in memory at
    once; what is recorded meanwhile may be among them.

    Args:
        jsonl: One JSON object a line, the only format so far.
        output: Write to this new file, readable by you alone, instead of stdout.
    """
    from forge_obs.admin.maintenance import list_all  # noqa: PLC0415 - imports SQLAlchemy
    from forge_obs.store import open_reader  # noqa: PLC0415

    engine = open_reader(_require_path())
    with writing_to(output) as write:
        if engine is None:
            return ExitCode.SUCCESS
        for table in EXPORTED:
            for values in list_all(engine, table):
                write(dump(build_row(table, values)))
    return ExitCode.SUCCESS


def _require_path() -> Path:
    found = get_db_path()
    if found is None:
        raise StoreUnavailable(STORE_OFF)
    return found
