"""Subjects and trailers of commits, pure."""

import re
import unicodedata
from dataclasses import dataclass

SUBJECT_LENGTH = 72
"""Characters of a commit's subject."""

TRAILER = re.compile(r"([A-Za-z0-9-]+): (.*)")


@dataclass(frozen=True, slots=True)
class CommitTrailers:
    """What ties a commit to the attempt that made it."""

    workflow_id: str
    step_id: str | None
    attempt: int

    def lines(self) -> list[str]:
        """Return the trailer lines, in order."""
        step = [f"Forge-Step: {self.step_id}"] if self.step_id is not None else []
        return [f"Forge-Workflow: {self.workflow_id}", *step, f"Forge-Attempt: {self.attempt}"]


def build_message(subject: str, trailers: CommitTrailers) -> str:
    """Build a commit message: one cleaned line, then the trailers."""
    return "\n".join([clean_subject(subject), "", *trailers.lines()]) + "\n"


def clean_subject(subject: str) -> str:
    """Return a text as one visible line, short enough for a subject."""
    visible = "".join(
        char if not unicodedata.category(char).startswith("C") else " " for char in subject
    )
    line = " ".join(visible.split()) or "changes"
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


def carries(message: str, trailers: CommitTrailers) -> bool:
    """Return whether the last trailer block of a message is exactly this one.

    Only the last paragraph counts: a text further up may have been written by a model.
    """
    last = message.rstrip("\n").rsplit("\n\n", 1)[-1].splitlines()
    return [line for line in last if TRAILER.fullmatch(line)] == trailers.lines() == last
