"""``forge db``: where the store is, and how it is."""

from pathlib import Path

from forge_obs.check import StoreCheck, check_store
from forge_obs.errors import StoreNewer, StoreUnavailable, StoreUnreadable
from forge_obs.process import get_db_path
from forge_obs.recorder import lost_count

from forge_cli.console import print_note, print_text
from forge_cli.exit_codes import ExitCode
from forge_cli.render.text import escape_line
from forge_cli.store import STORE_OFF


def path() -> ExitCode:
    """Print the path of the store's database.

    It is `FORGE_DB_PATH` if that is set (empty turns the store off), else `forge/forge.db` in
    `XDG_STATE_HOME`, which is `~/.local/state` by default.
    """
    found = get_db_path()
    if found is None:
        print_note(STORE_OFF)
    else:
        print_text(escape_line(str(found)))
    return ExitCode.SUCCESS


def upgrade() -> ExitCode:
    """Create the database, or bring it to this version's schema.

    Commands that write do so by themselves; a store that is up to date is left as it is.
    """
    from forge_obs.migrate import upgrade as upgrade_store  # noqa: PLC0415 - imports Alembic

    found = _require_path()
    upgrade_store(found)
    print_text(f"{escape_line(str(found))}: at revision {check_store(found).revision}")
    return ExitCode.SUCCESS


def check() -> ExitCode:
    """Check the database: schema, integrity, permissions, lost records.

    Reads the whole file and changes nothing. Exit code 1 tells of findings, 3 of a database that
    cannot be read or is newer than this version.
    """
    result = check_store(_require_path())
    for line in _describe(result):
        print_text(line)
    if result.error is not None:
        raise StoreUnreadable(result.error)
    if result.state == "newer":
        raise StoreNewer(str(result.path), str(result.revision))
    return ExitCode.SUCCESS if result.ok and not lost_count() else ExitCode.FAILED


def _require_path() -> Path:
    found = get_db_path()
    if found is None:
        raise StoreUnavailable(STORE_OFF)
    return found


def _describe(result: StoreCheck) -> list[str]:
    lines = [f"database   {escape_line(str(result.path))} ({result.size_bytes:,} bytes)"]
    if result.error is not None:
        return [*lines, "schema     unreadable"]
    if result.state == "missing":
        return [*lines, "schema     no database yet: the first run makes it"]
    advice = {"older": ": run forge db upgrade", "newer": ": upgrade forge"}.get(result.state, "")
    schema = f"{result.state}, at {result.revision or 'no revision'}, head {result.head}{advice}"
    lines.append(f"schema     {schema}")
    lines.append("integrity  " + (escape_line("; ".join(result.damage)) or "ok"))
    lines += [
        f"readable   by others: chmod 600 {escape_line(str(file.path))}"
        for file in result.files
        if not file.private
    ]
    lines.append(f"pending    0, lost {lost_count()}")
    return lines
