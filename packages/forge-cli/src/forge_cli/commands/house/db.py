"""``forge db``: where the store is, how it is, and what keeps it in order."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from forge_core.errors import UsageError
from forge_obs import (
    ArchivedTexts,
    StoreCheck,
    StoreError,
    StoreNewer,
    StoreUnreadable,
    check_store,
    get_backlog,
    get_db_path,
    get_lost_path,
)

from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.share.export import ExportChoice, ExportTargets
from forge_cli.options.types import FilePath, Switch, parse_since
from forge_cli.program import as_started
from forge_cli.render.figures import format_count
from forge_cli.render.health import render_backlog_figures, render_pending
from forge_cli.render.json_documents import build_check
from forge_cli.store.queries import STORE_OFF, require_path
from forge_cli.terminal.console import (
    confirm,
    print_error,
    print_note,
    print_text,
    print_warning,
)
from forge_cli.terminal.new_files import refuse_target
from forge_cli.views.json_text import dump


def path(*, json: Switch = False) -> ExitCode:
    """Print the path of the store's database.

    It is `FORGE_DB_PATH` if that is set (empty turns the store off), else `forge/forge.db` in
    `XDG_STATE_HOME`, which is `~/.local/state` by default.

    Args:
        json: Print one JSON document instead; its path is null where the store is off.
    """
    database = get_db_path()
    if database is None:
        print_note(STORE_OFF)
    if json:
        print_text(dump({"path": None if database is None else str(database)}))
    elif database is not None:
        print_text(escape_line(str(database)))
    return ExitCode.SUCCESS


def upgrade() -> ExitCode:
    """Create the database, or bring it to this version's schema.

    Records that could not be stored earlier are stored now. Commands that write do all this
    themselves.
    """
    from forge_obs import upgrade as upgrade_store  # noqa: PLC0415 - imports SQLAlchemy

    database = require_path()
    waited = get_backlog(database).pending
    upgrade_store(database)
    result = check_store(database)
    print_text(f"{escape_line(str(database))}: at revision {result.revision}")
    if stored := waited - result.backlog.pending:
        print_text(f"stored {format_count(stored, 'record')} that had been waiting")
    if result.backlog.pending:
        print_warning(render_pending(result.backlog.pending))
    return ExitCode.SUCCESS


def check(*, json: Switch = False) -> ExitCode:
    """Check the database: its schema, integrity and permissions, and records that wait or are lost.

    Reads the whole file and changes nothing. Exit code 1 means that something was found, 3 that
    the database cannot be read or is newer than this version.

    Args:
        json: Print one JSON document instead.
    """
    result = check_store(require_path())
    failure = _find_failure(result)
    if json:
        print_text(dump(build_check(result, failure)))
    else:
        print_text("\n".join(_describe(result)))
    if failure is not None:
        print_error(str(failure))
        return ExitCode.INFRASTRUCTURE
    return ExitCode.SUCCESS if result.ok else ExitCode.FAILED


def _find_failure(result: StoreCheck) -> StoreError | None:
    """Return what keeps the store from being read at all."""
    if result.error is not None:
        return StoreUnreadable(result.error)
    if result.state == "newer":
        return StoreNewer(str(result.path), str(result.revision))
    return None


def _require_database() -> Path:
    database = require_path()
    if not database.exists():
        raise UsageError(f"there is no database at {database} yet")
    return database


def _describe(result: StoreCheck) -> list[str]:
    lines = [f"database   {escape_line(str(result.path))} ({result.size_bytes:,} bytes)"]
    if result.error is None:
        lines += _describe_contents(result)
    else:
        lines.append("schema     unreadable")
    lines += [
        f"readable   by others: chmod 600 {escape_line(str(file.path))}"
        for file in result.files
        if not file.is_private
    ]
    if result.spool_error is not None:
        return [*lines, f"pending    unreadable: {escape_line(result.spool_error)}"]
    return lines + render_backlog_figures(result.backlog, str(get_lost_path(result.path)))


def _describe_contents(result: StoreCheck) -> list[str]:
    if result.state == "missing":
        return ["schema     no database yet: the first run creates it"]
    advice = {"older": as_started(": run forge db upgrade"), "newer": ": upgrade forge"}.get(
        result.state, ""
    )
    schema = f"{result.state}, at {result.revision or 'no revision'}, head {result.head}{advice}"
    damage = escape_line("; ".join(result.damage)) or "ok"
    lines = [f"schema     {schema}", f"integrity  {damage}"]
    if result.archived.frames:
        lines.append(f"archived   {_describe_archived(result.archived)}")
    return lines


def _describe_archived(archived: ArchivedTexts) -> str:
    calls = format_count(archived.calls, "call")
    texts = f"{archived.text_bytes:,} bytes of text in {archived.stored_bytes:,}"
    return f"{calls} in {format_count(archived.frames, 'frame')}: {texts}"


def prune(
    *, older_than: str, yes: Switch = False, dry_run: Switch = False, json: Switch = False
) -> ExitCode:
    """Delete old runs with their calls, and free the disk space.

    Runs that have not ended are kept. An interrupted run counts as ended at its last sign of life,
    unless a configured server still executes it. Calls that belong to no run are deleted by their
    own age. Payloads and logs in the embedded server's state directory are deleted once the server
    says that their run has ended, whichever store records it. Commands that are recording carry
    on.

    Args:
        older_than: Delete what ended longer ago than this, e.g. 30d or 12h, or before a date, e.g.
            2026-11-01.
        yes: Do not ask for confirmation.
        dry_run: Only say what would be deleted.
        json: Print one JSON document on stdout, everything else on stderr; needs --yes or
            --dry-run.
    """
    from forge_cli.actions.house.prune import (  # noqa: PLC0415 - imports SQLAlchemy, Temporal
        build_prunable,
        find_prunable,
        prune_all,
        render_prunable,
        render_pruned,
    )

    path, before = get_db_path(), parse_since(older_than, datetime.now(UTC), "--older-than")
    if path is None:
        print_note(STORE_OFF)
    prunable = find_prunable(path, before)
    question, done, tell = render_prunable(prunable), None, print_note if json else print_text
    if not question:
        tell("nothing is old enough to be deleted")
    elif dry_run:
        tell(question)
    elif confirm(f"{question} Delete them?", yes=yes):
        done = prune_all(prunable)
        tell(render_pruned(done))
    else:
        tell("nothing was deleted")
    if json:
        print_text(dump(build_prunable(prunable, done)))
    return ExitCode.SUCCESS


def archive(*, older_than: str = "7d", json: Switch = False) -> ExitCode:
    """Compress the texts of old calls, in the same file.

    The texts of runs that have ended, and of calls of no run, take a tenth of their space or less;
    every command reads them as before, and so does SQL all columns but these. Where most of the
    file is free then, it is made smaller. Commands that are recording carry on. To have it done
    after each run, set `store.archive_after` in your configuration.

    Args:
        older_than: Archive what ended longer ago than this, e.g. 30d or 12h; 0s: all that has
            ended.
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.archive import (  # noqa: PLC0415 - imports SQLAlchemy, Temporal
        archive_old,
        build_archiving,
        render_archiving,
    )

    now = datetime.now(UTC)
    before = parse_since(older_than, now, "--older-than")
    path = _require_database()
    done = archive_old(path, before)
    text = dump(build_archiving(done)) if json else render_archiving(path, done, before, now)
    print_text(text)
    return ExitCode.SUCCESS


def unarchive(*, json: Switch = False) -> ExitCode:
    """Put all archived texts back into their rows, for tools that read these.

    The database becomes as large as it was.

    Args:
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.archive import (  # noqa: PLC0415 - imports SQLAlchemy, Temporal
        bring_back,
        build_archiving,
        render_return,
    )

    path = _require_database()
    done = bring_back(path)
    print_text(dump(build_archiving(done)) if json else render_return(path, done))
    return ExitCode.SUCCESS


def backup(target: FilePath, /, *, json: Switch = False) -> ExitCode:
    """Copy the database to a new file, even while it is in use.

    The copy is a snapshot of one moment that only you can read. An existing file is left alone.

    Args:
        target: The new file.
        json: Print one JSON document instead.
    """
    from forge_obs import back_up  # noqa: PLC0415 - imports SQLAlchemy

    path = _require_database()
    try:
        size = back_up(path, target.expanduser())
    except OSError as error:
        raise refuse_target(target, error) from error
    if json:
        print_text(dump({"path": str(target.expanduser().absolute()), "size_bytes": size}))
    else:
        print_text(f"{escape_line(str(target))}: {size:,} bytes")
    return ExitCode.SUCCESS


def restore(backup: FilePath, /) -> ExitCode:
    """Put a backup in the place of the database, even while it is in use.

    What the database holds is copied beside it first. Programs that are recording carry on, and
    their next records go to the restored database.

    Args:
        backup: A file that `forge db backup` made.
    """
    from forge_obs import restore as restore_store  # noqa: PLC0415 - imports SQLAlchemy
    from forge_obs import upgrade as upgrade_store  # noqa: PLC0415

    database, source = require_path(), backup.expanduser()
    if not source.is_file():
        raise UsageError(f"there is no backup at {source}")
    try:
        kept = restore_store(database, source)
    except OSError as error:
        raise UsageError(f"cannot restore {source}: {error.strerror}") from error
    upgrade_store(database)
    print_text(f"{escape_line(str(database))}: restored from {escape_line(str(source))}")
    if kept is not None:
        print_text(f"what it held before is in {escape_line(str(kept))}")
    return ExitCode.SUCCESS


def export(*, targets: ExportTargets | None = None, choice: ExportChoice | None = None) -> ExitCode:
    """Export every row, or hand some runs over as a store.

    Prompts and answers are included. Runs come first, then calls, each in the order of recording.
    Only a few rows are in memory at a time. What is recorded during the export may be included.

    Args:
        targets: Where to.
        choice: What is exported.
    """
    from forge_cli.actions.share.export import export_rows  # noqa: PLC0415 - imports SQLAlchemy

    export_rows(targets or ExportTargets(), choice or ExportChoice())
    return ExitCode.SUCCESS


def import_(source: FilePath, /, *, json: Switch = False) -> ExitCode:
    """Merge a store that somebody handed over into your own.

    A call is known by its id, so that importing a file twice changes nothing more. Somebody else's
    file is not trusted: only known columns are read, and values are cleaned as if they were
    recorded here. It is not changed.

    Args:
        source: A file that `forge db export --to` made, or any other store.
        json: Print one JSON document instead.
    """
    from forge_cli.actions.share.export import import_from, render_import  # noqa: PLC0415 - imports SQLAlchemy

    file = source.expanduser()
    done = import_from(require_path(), file)
    text = render_import(done, file)
    if json:
        text = dump(asdict(done))
    print_text(text)
    return ExitCode.SUCCESS
