"""Where the database is, from the environment alone."""

from pathlib import PurePath

from forge_obs.errors import StoreUnavailable


def locate(
    db_path: str | None, *, state_home: str | None, home: str | None, cwd: str
) -> PurePath | None:
    """Resolve the path of the database; None turns the store off.

    Follows the XDG base directory specification, which says to ignore a relative
    `XDG_STATE_HOME`. A relative or empty home is ignored as well.

    Args:
        db_path: `FORGE_DB_PATH`, or None if it is not set.
        state_home: `XDG_STATE_HOME`, or None if it is not set.
        home: The user's home directory, or None if there is none.
        cwd: The current directory; used for a relative `db_path` only.

    Raises:
        StoreUnavailable: Nothing names a place and there is no home directory.
    """
    if db_path == "":
        return None
    if db_path is not None and starts_at_home(db_path):
        return _require(home) / db_path[2:]
    if db_path is not None:
        return PurePath(cwd, db_path)
    if state_home and PurePath(state_home).is_absolute():
        return PurePath(state_home, "forge", "forge.db")
    return _require(home) / ".local" / "state" / "forge" / "forge.db"


def starts_at_home(db_path: str) -> bool:
    """Return whether a path is below the user's home; `~name` is a name like any other."""
    return db_path == "~" or db_path.startswith("~/")


def _require(home: str | None) -> PurePath:
    if home and PurePath(home).is_absolute():
        return PurePath(home)
    raise StoreUnavailable("no home directory to keep the store in: set FORGE_DB_PATH")
