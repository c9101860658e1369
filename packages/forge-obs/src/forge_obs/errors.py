"""Errors of the store; `record()` raises none of them.

```
StoreError
├── StoreUnavailable   no place for it, or it cannot be created, opened or written in time
│   └── SpoolUnavailable   the same of the file where entries wait
├── StoreNewer         a newer version wrote its schema; it is left untouched
├── StoreUnreadable    the file is no SQLite database, or damaged
└── AmbiguousId        a shortened id fits several entries
```
"""

from collections.abc import Sequence


class StoreError(Exception):
    """Root of every error that forge_obs raises on purpose."""


class StoreUnavailable(StoreError):
    """The store has no place, or cannot be created, opened or written in time."""


class SpoolUnavailable(StoreUnavailable):
    """The file where entries wait is full or busy, or cannot be made, read or written."""


class StoreNewer(StoreError):
    """The schema is at a revision that this version does not know.

    Args:
        path: The database file.
        revision: What the file says that it is at.
    """

    def __init__(self, path: str, revision: str) -> None:
        super().__init__(
            f"database {path} is at revision {revision}, newer than this forge knows: "
            "upgrade forge, or point FORGE_DB_PATH at another file"
        )
        self.path = path
        self.revision = revision


class StoreUnreadable(StoreError):
    """The file is no SQLite database, or it is damaged."""


class AmbiguousId(StoreError):
    """A shortened id fits several entries.

    Args:
        prefix: What was asked for.
        entry_ids: Entries that begin with it, in order.
        more: Whether there are others besides.
    """

    def __init__(self, prefix: str, entry_ids: Sequence[str], *, more: bool = False) -> None:
        others = ", and others" if more else ""
        super().__init__(f"{prefix} fits several interactions: {', '.join(entry_ids)}{others}")
        self.prefix = prefix
        self.entry_ids = tuple(entry_ids)


_ABOUT_THE_ENTRY = frozenset(
    {"IntegrityError", "DataError", "InterfaceError", "UnicodeEncodeError"}
)


def is_about_the_entry(error: Exception) -> bool:
    """Tell whether only this row is at fault, so that the store is worth trying with the next.

    The driver's errors are known by their names, which needs no import of it.
    """
    kinds = {type(error).__name__, type(getattr(error, "orig", None)).__name__}
    return bool(kinds & _ABOUT_THE_ENTRY)


def describe(error: Exception) -> str:
    """Name a failure without anything of the entry: no SQL, no parameters, no text of it."""
    if isinstance(error, StoreError):
        return str(error)
    cause = getattr(error, "orig", None) or error
    detail = getattr(cause, "sqlite_errorname", None) or getattr(cause, "strerror", None)
    return f"{type(cause).__name__} {detail}" if detail else type(cause).__name__
