"""Find a text in archived calls: each frame is unpacked and looked through once."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from forge_obs.database.rows.archived import load_frame, may_frame_hold
from forge_obs.model.frames import ARCHIVED, decode
from forge_obs.model.search import TextSearch

_KEPT: Final = 64
"""Frames of which is kept what was found in them: rows of a frame are near each other."""

Found = dict[int, frozenset[str]]
"""Columns that hold the text, by row."""


class ArchiveSearch:
    """Looks for one text in frames.

    What is no expression is looked for in bytes: that takes two thirds of what SQLite's own LIKE
    needs, and a tenth of what `re` does.

    Args:
        search: What to look for.
        columns: Where to look.
        driver: Of a connection to the store.
    """

    def __init__(
        self, search: TextSearch, columns: Sequence[str], driver: sqlite3.Connection
    ) -> None:
        self.columns = [name for name in columns if name in ARCHIVED]
        self._search, self._driver = search, driver
        self._utf8 = None if search.utf8 is None else search.utf8.lower()
        self._found: OrderedDict[int, Found] = OrderedDict()

    def find(self, archive_id: int) -> Found:
        """Find the rows of a frame that hold the text.

        Raises:
            BrokenFrame: It cannot be read.
        """
        known = self._found.get(archive_id)
        if known is None:
            self._found[archive_id] = known = self._look(archive_id)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return known

    def _look(self, archive_id: int) -> Found:
        if self._utf8 is not None and not may_frame_hold(self._driver, archive_id, self._utf8):
            return {}
        frame = load_frame(self._driver, archive_id)
        columns_by_row: Found = {}
        for number, *_ in frame.rows:
            texts = frame.read(number, alone=False)
            held = [name for name in self.columns if (t := texts.get(name)) and self._holds(t)]
            if held:
                columns_by_row[number] = frozenset(held)
        return columns_by_row

    def _holds(self, text: bytes) -> bool:
        if self._utf8 is None:
            return self._search.pattern.search(decode(text) or "") is not None
        return self._utf8 in text.lower()
