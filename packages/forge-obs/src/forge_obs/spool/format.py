"""What a spool holds: a header of fixed length, then one waiting entry a line, as JSON.

The header keeps the offset of the first line that is not stored yet. It is overwritten in place,
which needs no free space. A line that cannot be understood is worth no error: a kill in the middle
of a write leaves one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from forge_obs.errors import StoreError
from forge_obs.model.entries import Entry, build_entry
from forge_obs.model.rows import EARLY_OUTCOMES, FACTS, INTERACTIONS, RUNS

HEADER_BYTES: Final = 64
"""Length of the header, its line end included."""


@dataclass(frozen=True)
class Backlog:
    """What is not in the database.

    Attributes:
        pending: Entries in the spool; the next writer that can stores them.
        lost: Entries that could be neither stored nor spooled.
        last_lost_at: When the last of these was counted, in UTC; None if there is none.
    """

    pending: int = 0
    lost: int = 0
    last_lost_at: datetime | None = None


def encode_header(position: int) -> bytes:
    """Write the header of a spool whose first waiting line starts at that offset."""
    return orjson.dumps({"forge_spool": 1, "position": position}).ljust(HEADER_BYTES - 1) + b"\n"


def decode_header(raw: bytes, size: int) -> int:
    """Tell where the first waiting line starts.

    Args:
        raw: What the file starts with.
        size: Length of the file in bytes.

    Returns:
        The offset. 0 for a header that is none, so that every line gets tried; the first line for
        an offset outside of the file, since storing an entry twice does no harm.
    """
    try:
        position = orjson.loads(raw)["position"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return 0
    inside = isinstance(position, int) and HEADER_BYTES <= position <= size
    return position if inside else HEADER_BYTES


def encode_entry(entry: Entry) -> bytes:
    """Write an entry as a line; what is null needs no word."""
    values = {**entry.row, **entry.facts}
    row = {name: value for name, value in values.items() if value is not None}
    return orjson.dumps({"table": entry.table, "row": row}, option=orjson.OPT_APPEND_NEWLINE)


def decode_entry(line: bytes) -> Entry | None:
    """Read a line back; None if it holds no entry.

    Its values are cleaned again, since anybody may have written them. A column that this version
    does not know is left out.
    """
    try:
        document = orjson.loads(line)
        columns = _COLUMNS[document["table"]]
        known = {name: value for name, value in document["row"].items() if name in columns}
        return build_entry(document["table"], known)
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError, StoreError):
        return None


_FACTS: Final = frozenset(column.name for column in FACTS)
_COLUMNS: Final = {
    "interactions": _FACTS | {column.name for column in INTERACTIONS},
    "runs": frozenset(column.name for column in RUNS),
    "call_facts": _FACTS | {column.name for column in EARLY_OUTCOMES},
    "removals": frozenset({"entry_id"}),
}
"""Names that a line of each table may hold."""
