"""Why edits are not applied, as values that feedback is made of; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from forge_core.errors import ForgeError

RefusalCode = Literal[
    "empty",
    "absent",
    "partial",
    "ambiguous",
    "weak",
    "indentation",
    "signs",
    "comment",
    "nothing",
    "overlap",
    "unseen",
]
"""What is wrong with an edit; `partial` is a search that is part of a line."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One edit that is not applied."""

    code: RefusalCode
    reason: str
    """Half a sentence."""
    rows: tuple[int, ...] = ()
    """The file's lines, counted from 0, that it is about."""
    edit: int = -1
    """Place of the edit among those of its file, from 0."""
    other: int = -1
    """That of another edit that it does not go together with."""


class EditRefused(ForgeError):
    """An edit has no one place in the text, or cannot be said in the text's own spelling."""

    def __init__(self, code: RefusalCode, reason: str, rows: Sequence[int] = ()) -> None:
        """Keep what is wrong and where."""
        super().__init__(reason)
        self.code: RefusalCode = code
        self.reason = reason
        self.rows = tuple(rows)

    def at(self, edit: int) -> Refusal:
        """Return the refusal as that of one edit."""
        return Refusal(self.code, self.reason, self.rows, edit)


class EditsRefused(ForgeError):
    """Some edits of a file do not fit, so that none of them is applied."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        """Keep what is wrong with each."""
        super().__init__("; ".join(refusal.reason for refusal in refusals))
        self.refusals = tuple(refusals)


def build_ambiguous(rows: Sequence[int]) -> EditRefused:
    """Build the refusal of a search that fits at several places."""
    listed = ", ".join(str(row + 1) for row in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return EditRefused(
        "ambiguous", f"search fits {len(rows)} places, at lines {listed}{more}", rows
    )
