"""Find a text in archived calls: each frame is unpacked and looked through once."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from forge_obs.database.rows.archived import load_frame
from forge_obs.model.frames import ARCHIVED, Frame, decode
from forge_obs.model.search import TextSearch

_KEPT: Final = 64
"""Frames of which is kept what was found in them: rows of a frame are near each other."""

Found = dict[int, frozenset[str]]
"""Columns that hold the text, by row."""


class ArchiveSearch:
    """Looks for one text in frames.

    SQLite's own LIKE is used where it can be: it takes an eighth of what `re` needs.

    Args:
        search: What to look for.
        columns: Where to look.
    """

    def __init__(self, search: TextSearch, columns: Sequence[str]) -> None:
        self.columns = [name for name in columns if name in ARCHIVED]
        self._search = search
        self._found: OrderedDict[int, Found] = OrderedDict()

    def find(self, driver: sqlite3.Connection, archive_id: int) -> Found:
        """Find the rows of a frame that hold the text.

        Raises:
            BrokenFrame: It cannot be read.
        """
        known = self._found.get(archive_id)
        if known is None:
            self._found[archive_id] = known = self._look(driver, load_frame(driver, archive_id))
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return known

    def _look(self, driver: sqlite3.Connection, frame: Frame) -> Found:
        if not self._may_hold(driver, frame.raw):
            return {}
        found: Found = {}
        for number, *_ in frame.rows:
            texts = frame.read(number)
            held = [
                name
                for name in self.columns
                if (text := texts.get(name)) and self._holds(driver, text)
            ]
            if held:
                found[number] = frozenset(held)
        return found

    def _may_hold(self, driver: sqlite3.Connection, raw: bytes) -> bool:
        if self._search.like is None or b"\0" in raw:
            return True
        return self._is_like(driver, raw)

    def _holds(self, driver: sqlite3.Connection, text: bytes) -> bool:
        if self._search.like is None or b"\0" in text:  # where LIKE would stop
            return self._search.pattern.search(decode(text) or "") is not None
        return self._is_like(driver, text)

    def _is_like(self, driver: sqlite3.Connection, text: bytes) -> bool:
        pattern, escape = self._search.like or ("", None)
        given = (text, pattern) if escape is None else (text, pattern, escape)
        clause = "" if escape is None else " ESCAPE ?"
        query = f"SELECT CAST(? AS TEXT) LIKE ?{clause}"
        return bool(driver.execute(query, given).fetchone()[0])
