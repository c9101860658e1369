"""What is to be known of a column: kind, default, and how a second record merges.

The columns themselves are the fields of `forge_obs.model.rows`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    """An integer from 0 to 2^63 - 1."""
    REAL = "real"
    """A finite float, not negative."""
    FLAG = "flag"
    """True or false; 1 and 0 in the file."""
    TIME = "time"
    """A moment in UTC with microseconds, as RFC 3339 text ending in `Z`."""


class Merge(Enum):
    """What becomes of a column when the same entry is recorded again."""

    FILL = "fill"
    """The new value, unless it is null or empty text."""
    FIRST = "first"
    """The old value, unless it is null."""
    EARLIEST = "earliest"
    """The earlier of two moments: what tells of a call may come before what tells of its start."""
    MEASURED = "measured"
    """The new value if the new entry's tokens are known."""
    ANSWERING = "answering"
    """The new value, unless it is the requested model, which stands in where none answered."""
    ORIGIN = "origin"
    """The new value, unless it is the default."""
    NONZERO = "nonzero"
    """The new value, unless it is zero."""
    FILL_OBJECT = "fill_object"
    """The new value, unless it is the empty JSON object."""
    JUDGED = "judged"
    """The new value where the new outcome is another one, else as `FILL`."""


@dataclass(frozen=True)
class Column:
    """One column, as a field of `forge_obs.model.rows` describes it.

    Attributes:
        default: Stands in for a missing or unusable value.
        nullable: Null is a value, too.
        required: Who writes SQL of his own must give it; where it is not, the database knows the
            default.
        identifies: Rows are found, merged and understood by it: no redaction touches it.
        figure: Sums and prices are made of it.
        long: A listing leaves it out.
        fact: It stands in `call_facts`, and only where there is something to put.
    """

    name: str
    kind: Kind
    default: str | float | None = None
    nullable: bool = True
    merge: Merge = Merge.FILL
    required: bool = False
    identifies: bool = False
    figure: bool = False
    long: bool = False
    fact: bool = False


MAX_COUNT: Final = 2**63 - 1
"""The largest integer that SQLite stores."""

STARTED: Final = "started"
"""Status of a call whose outcome is not on record."""

PROVIDER: Final = "provider"
"""Origin of an answer that a provider was asked for."""

RUNNING: Final = "running"
"""Status of a run that somebody executes, or has begun to."""

BUDGET: Final = "budget"
"""Status of a run that waits for a new limit; nobody need execute it meanwhile."""

OPEN_STATUSES: Final = (RUNNING, BUDGET)
"""Statuses of a run that are not final."""

NO_RESULT: Final = "{}"
"""`result_json` of a run that has none yet."""

CALL_KEY: Final = ("run_id", "activity_id", "activity_attempt", "seq")
"""Together they name one request; unique where all are set."""

REVISIONS: Final = ("001_initial", "002_newest_runs", "003_call_facts", "004_archives")
"""Every schema revision that this version knows, oldest first."""

HEAD: Final = REVISIONS[-1]
"""The revision that this version writes."""
