"""Where the database is, from the environment alone."""

from dataclasses import dataclass
from pathlib import PurePath

from forge_obs.errors import StoreUnavailable


@dataclass(frozen=True)
class Surroundings:
    """What decides the place of the database.

    Attributes:
        db_path: `FORGE_DB_PATH`, or None if it is not set.
        state_home: `XDG_STATE_HOME`, or None if it is not set.
        home: The user's home directory, or None if there is none.
        cwd: The current directory; used for a relative `db_path` only.
    """

    db_path: str | None
    state_home: str | None
    home: str | None
    cwd: str


def locate(given: Surroundings) -> PurePath | None:
    """Resolve the path of the database; None turns the store off.

    Follows the XDG base directory specification, which says to ignore a relative
    `XDG_STATE_HOME`. A relative or empty home is ignored as well.

    Raises:
        StoreUnavailable: Nothing names a place and there is no home directory.
    """
    if given.db_path is not None:
        return _expand(given.db_path, given) if given.db_path else None
    if given.state_home and PurePath(given.state_home).is_absolute():
        return PurePath(given.state_home, "forge", "forge.db")
    return _home(given) / ".local" / "state" / "forge" / "forge.db"


def starts_at_home(db_path: str) -> bool:
    """Tell whether a path is below the user's home; `~name` is a name like any other."""
    return db_path == "~" or db_path.startswith("~/")


def _expand(path: str, given: Surroundings) -> PurePath:
    if starts_at_home(path):
        return _home(given) / path[2:]
    return PurePath(given.cwd, path)


def _home(given: Surroundings) -> PurePath:
    if given.home and PurePath(given.home).is_absolute():
        return PurePath(given.home)
    raise StoreUnavailable("no home directory to keep the store in: set FORGE_DB_PATH")
