"""The cache of what was read of source files: one SQLite file for all repositories of a user.

Its keys are git's ids of contents, so all worktrees of a repository share it. It is only ever a
saving: whatever is wrong with the file costs the saving, never the run.
"""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from forge_core.context.python_source import Import, ModuleSource
from forge_core.files.private import make_private, open_private
from forge_core.state_dir.locate import locate_base

FORMAT = 1
"""Raised when what is read of a source changes."""

VERSION = f"{FORMAT}.{sys.version_info.major}.{sys.version_info.minor}"
"""Entries of other versions of the format or of Python's grammar are not found."""

SIZE_LIMIT_BYTES = 100_000_000
"""Size of the file from which on the entries that were not used for longest are dropped."""

BUSY_S = 2.0
"""Seconds to wait for another process that writes."""

DAY_S = 86_400
KEYS_A_QUERY = 500

CREATE = """
CREATE TABLE IF NOT EXISTS sources (
    key TEXT PRIMARY KEY, used INTEGER NOT NULL,
    fault TEXT, imports TEXT NOT NULL, outline TEXT NOT NULL
)
"""

SAVE = "INSERT OR REPLACE INTO sources (key, used, fault, imports, outline) VALUES (?, ?, ?, ?, ?)"

DROP_OLDEST = """
DELETE FROM sources WHERE key IN (
    SELECT key FROM sources ORDER BY used, key LIMIT (SELECT count(*) / 2 + 1 FROM sources)
)
"""


def find_cache_path() -> Path | None:
    """Return where the cache is; None where there is no home directory for it."""
    base = locate_base("XDG_CACHE_HOME", ".cache", os.environ, os.environ.get("HOME"))
    return base and base / "forge" / "context.db"


@dataclass(frozen=True, slots=True)
class SourceCache:
    """What was read of source files, by name of their contents."""

    path: Path | None
    """The file; None for no cache."""
    size_limit_bytes: int = SIZE_LIMIT_BYTES

    def load(self, names: Iterable[str]) -> dict[str, ModuleSource]:
        """Load the entries that are there."""
        keys = {f"{VERSION}:{name}": name for name in names}
        sources: dict[str, ModuleSource] = {}
        with self._open() as connection:
            if connection is not None:
                sources = {keys[key]: source for key, source in _select(connection, list(keys))}
        return sources

    def save(self, sources: Mapping[str, ModuleSource]) -> None:
        """Keep entries, dropping the oldest where there are too many."""
        if not sources:
            return
        rows = [_encode(f"{VERSION}:{name}", source) for name, source in sources.items()]
        with self._open() as connection:
            if connection is None:
                return
            with connection:
                connection.executemany(SAVE, rows)
            if _measure(connection) > self.size_limit_bytes:
                with connection:
                    connection.execute(DROP_OLDEST)
                connection.execute("VACUUM")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """Yield a connection, None where there is none to be had; errors end the block quietly."""
        connection = self._connect()
        if connection is None:
            yield None
            return
        with closing(connection):
            try:
                yield connection
            except (sqlite3.Error, ValueError, TypeError) as error:
                self._recover(error)

    def _connect(self) -> sqlite3.Connection | None:
        if self.path is None:
            return None
        try:
            make_private(self.path.parent)
            open_private(self.path).close()
            connection = sqlite3.connect(self.path, timeout=BUSY_S)
        except (OSError, sqlite3.Error):
            return None
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # A crash of the machine may cost the cache; it is built again.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(CREATE)
        except sqlite3.Error as error:
            connection.close()
            self._recover(error)
            return None
        return connection

    def _recover(self, error: Exception) -> None:
        """Delete a damaged file; one that is only busy stays."""
        busy = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        if self.path is None or busy:
            return
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self.path}{suffix}").unlink()


def _select(connection: sqlite3.Connection, keys: list[str]) -> Iterator[tuple[str, ModuleSource]]:
    today = int(time.time()) // DAY_S
    old: list[tuple[int, str]] = []
    for start in range(0, len(keys), KEYS_A_QUERY):
        part = keys[start : start + KEYS_A_QUERY]
        marks = ",".join("?" * len(part))
        query = f"SELECT key, used, fault, imports, outline FROM sources WHERE key IN ({marks})"  # noqa: S608 - marks only
        for key, used, fault, imports, outline in connection.execute(query, part):
            yield key, ModuleSource(_decode_imports(imports), outline, fault)
            old += [(today, key)] if used != today else []
    if old:
        with connection:
            connection.executemany("UPDATE sources SET used = ? WHERE key = ?", old)


def _encode(key: str, source: ModuleSource) -> tuple[str, int, str | None, str, str]:
    imports = json.dumps(source.imports, separators=(",", ":"))
    return key, int(time.time()) // DAY_S, source.fault, imports, source.outline


def _decode_imports(text: str) -> tuple[Import, ...]:
    return tuple(
        Import(level, module, tuple(names), tuple(aliases))
        for level, module, names, aliases in json.loads(text)
    )


def _measure(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)
