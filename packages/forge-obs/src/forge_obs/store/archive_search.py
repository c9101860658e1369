"""Find a text in archived calls: each frame is unpacked and looked through once."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeAlias

from forge_obs.database.rows.archived import load_frame, may_frame_hold
from forge_obs.model.frames import ARCHIVED, decode
from forge_obs.model.search import TextSearch

_MOST_FRAMES: Final = 64
"""Frames whose hits are kept: rows of a frame are near each other."""

ColumnsByRow: TypeAlias = dict[int, frozenset[str]]
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
        self._hits: OrderedDict[int, ColumnsByRow] = OrderedDict()

    def find(self, archive_id: int) -> ColumnsByRow:
        """Find the rows of a frame that hold the text.

        Raises:
            BrokenFrame: It cannot be read.
        """
        hits = self._hits.get(archive_id)
        if hits is None:
            self._hits[archive_id] = hits = self._search_frame(archive_id)
            while len(self._hits) > _MOST_FRAMES:
                self._hits.popitem(last=False)
        return hits

    def _search_frame(self, archive_id: int) -> ColumnsByRow:
        if self._utf8 is not None and not may_frame_hold(self._driver, archive_id, self._utf8):
            return {}
        frame = load_frame(self._driver, archive_id)
        columns_by_row: ColumnsByRow = {}
        for number, *_ in frame.rows:
            texts = frame.read(number, alone=False)
            names = [name for name in self.columns if (t := texts.get(name)) and self._holds(t)]
            if names:
                columns_by_row[number] = frozenset(names)
        return columns_by_row

    def _holds(self, text: bytes) -> bool:
        if self._utf8 is None:
            return self._search.pattern.search(decode(text) or "") is not None
        return self._utf8 in text.lower()
