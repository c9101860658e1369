"""What a model has seen of a commit's files, beyond which it changes nothing; pure.

See D72.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forge_core.models.call.context import ShownFile


@dataclass(frozen=True, slots=True)
class Sight:
    """The lines of each file that prompts held."""

    rows: Mapping[str, tuple[range, ...] | None]
    """Path to rows, counted from 0; None for a whole file, empty for one that was only named or
    shown by its declarations."""

    def holds_whole(self, path: str) -> bool:
        """Return whether all of a file was shown."""
        return path in self.rows and self.rows[path] is None

    def knows(self, path: str) -> bool:
        """Return whether a file was shown in any form, or named as a target."""
        return path in self.rows

    def get_rows(self, path: str) -> Sequence[range] | None:
        """Return the rows of a file that were shown; None for all of them."""
        return self.rows.get(path, ())

    def describe(self, path: str) -> str:
        """Say how much of a file was shown that was not shown whole."""
        if self.rows.get(path):
            return "you were shown only parts of it"
        return "you were not shown its lines" if self.knows(path) else "you were not shown it"


def build_sight(files: Sequence[ShownFile]) -> Sight:
    """Bring together what was shown, be it in several places of several prompts."""
    rows: dict[str, tuple[range, ...] | None] = {}
    for file in files:
        before = rows.get(file.path, ())
        if file.ranges is None or before is None:
            rows[file.path] = None
        else:
            rows[file.path] = (*before, *(range(first - 1, last) for first, last in file.ranges))
    return Sight(rows)
