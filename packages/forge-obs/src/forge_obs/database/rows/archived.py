"""Texts that stand in frames, read back where a row has none of its own.

What a row has itself wins: it came after the row was archived, out of the spool for instance.
"""

import sqlite3
from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from forge_obs.model.frames import (
    ARCHIVED,
    CODEC,
    MOST_TEXT_BYTES,
    BrokenFrame,
    Frame,
    decode,
    may_hold,
)

_MOST_FRAMES: Final = 2
"""Frames that stay unpacked; a run is in one or two."""


class FrameCache:
    """The frames of one file that were read last; a frame's id belongs to it alone for ever.

    Args:
        most_bytes: Size of a frame's text beyond which it is refused.
    """

    def __init__(self, most_bytes: int = MOST_TEXT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._frames: OrderedDict[int, Frame] = OrderedDict()

    def get(self, driver: sqlite3.Connection, archive_id: int, number: int) -> Frame:
        """Read a frame that holds a row, unless it was among the last.

        Raises:
            BrokenFrame: There is no such frame, or it is damaged.
        """
        frame = self._frames.get(archive_id)
        if frame is None or number not in frame:  # it was written anew since
            self._frames[archive_id] = frame = load_frame(driver, archive_id, self._most_bytes)
        self._frames.move_to_end(archive_id)
        while len(self._frames) > _MOST_FRAMES:
            self._frames.popitem(last=False)
        return frame


def load_frame(
    driver: sqlite3.Connection, archive_id: int, most_bytes: int = MOST_TEXT_BYTES
) -> Frame:
    """Read a frame.

    Raises:
        BrokenFrame: There is no such frame, or it is damaged.
    """
    query = "SELECT directory_json, data, codec, row_count, text_bytes FROM archives WHERE id = ?"
    try:
        row = driver.execute(query, (archive_id,)).fetchone()
    except sqlite3.DatabaseError as error:  # the driver's own have no name
        word = getattr(error, "sqlite_errorname", "its directory is no text")
        raise BrokenFrame(f"it cannot be read: {word}") from error
    if row is None:
        raise BrokenFrame("it is not there")
    directory, data, codec, *sizes = row
    if not isinstance(data, bytes):
        raise BrokenFrame("its data is no blob")
    frame = Frame(str(directory), data, str(codec), most_bytes)
    if not frame.is_sealed and sizes != [len(frame.rows), frame.text_bytes]:
        raise BrokenFrame("its directory has other sizes than its row")
    return frame


def list_archived(driver: sqlite3.Connection) -> Mapping[int, Sequence[int]]:
    """List the rows that are archived by frame; it takes a look at every row."""
    rows: dict[int, array[int]] = {}
    query = "SELECT archive_id, id FROM interactions WHERE typeof(archive_id) = 'integer'"
    for archive_id, number in driver.execute(query):
        rows.setdefault(archive_id, array("q")).append(number)
    return rows


def count_strays(
    driver: sqlite3.Connection, archive_id: int, frame: Frame, numbers: Iterable[int]
) -> int:
    """Count the rows that say that they are in a frame, and that its directory does not know.

    Args:
        driver: Of a connection to the store.
        archive_id: The frame's id.
        frame: What was read of it.
        numbers: Rows that said so before; another program may have deleted or put them back.
    """
    query = "SELECT 1 FROM interactions WHERE id = ? AND archive_id = ?"
    strays = (number for number in numbers if number not in frame)
    return sum(driver.execute(query, (n, archive_id)).fetchone() is not None for n in strays)


def describe_strays(number: int) -> str:
    """Say that so many rows are strays."""
    return f"{number:,} of its calls are not in its directory"


def may_frame_hold(driver: sqlite3.Connection, archive_id: int, text: bytes) -> bool:
    """Return whether a text may stand in a frame, in upper or lower case; False is certain."""
    query = "SELECT data, text_bytes FROM archives WHERE id = ? AND codec = ?"
    try:
        row = driver.execute(query, (archive_id, CODEC)).fetchone()
        data, size = row or (None, None)
        if type(data) is not bytes or type(size) is not int or size > MOST_TEXT_BYTES:
            return True
        return may_hold(data, size, text)
    except (sqlite3.DatabaseError, BrokenFrame):
        return True  # its directory may be right where the column is not


def fill(
    driver: sqlite3.Connection,
    rows: Iterable[dict[str, object]],
    columns: Sequence[str],
    frames: FrameCache,
) -> None:
    """Put archived texts into rows that were read, which have `id` and `archive_id`.

    A row whose texts cannot be read says so under `broken`.
    """
    rows = list(rows)
    shared = Counter(row.get("archive_id") for row in rows)
    for row in rows:
        archive_id, number = row.get("archive_id"), row["id"]
        missing = [name for name in columns if not row.get(name)]
        if not isinstance(archive_id, int) or not isinstance(number, int) or not missing:
            continue
        try:
            frame = frames.get(driver, archive_id, number)
            texts = frame.read(number, alone=shared[archive_id] == 1)
        except BrokenFrame as error:
            row.setdefault("broken", f"archived texts cannot be read: {error}")
            continue
        row.update((name, decode(texts[name])) for name in missing if texts.get(name) is not None)


def read_texts(driver: sqlite3.Connection, number: int, archive_id: int) -> Mapping[str, str]:
    """Read the archived texts of a row; none where they cannot be read."""
    try:
        texts = load_frame(driver, archive_id).read(number)
    except BrokenFrame:
        return {}
    decoded = {name: decode(text) for name, text in texts.items() if name in ARCHIVED}
    return {name: text for name, text in decoded.items() if text}


def measure_prompts(
    driver: sqlite3.Connection, number: int, archive_id: int | None, frames: FrameCache
) -> int:
    """Return how many characters the archived prompts of a row have; 0 where there are none."""
    if archive_id is None:
        return 0
    try:
        texts = frames.get(driver, archive_id, number).read(number)
    except BrokenFrame:
        return 0
    return sum(len(decode(texts.get(name)) or "") for name in ("system_prompt", "user_prompt"))
