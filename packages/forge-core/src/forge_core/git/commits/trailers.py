"""Subjects and trailers of commits, pure."""

import re
import unicodedata
from dataclasses import dataclass

SUBJECT_LENGTH = 72
"""Characters of a commit's subject."""

WORKFLOW = "Forge-Workflow"
"""First trailer of every commit of ours."""

CALL = "Forge-Call"
"""Trailer that names a request to a model; there may be several."""

TRAILER = re.compile(r"([A-Za-z0-9-]+): (.*)")


@dataclass(frozen=True, slots=True)
class CommitTrailers:
    """What ties a commit to the attempt that made it."""

    workflow_id: str
    step_id: str | None
    attempt: int
    entry_ids: tuple[str, ...] = ()
    """Requests to models whose answers the files are of."""

    def lines(self) -> list[str]:
        """Return the trailer lines, in order."""
        step = [f"Forge-Step: {self.step_id}"] if self.step_id is not None else []
        calls = [f"{CALL}: {entry_id}" for entry_id in self.entry_ids]
        attempt = f"Forge-Attempt: {self.attempt}"
        return [f"{WORKFLOW}: {self.workflow_id}", *step, attempt, *calls]


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
    return _last_block(message) == trailers.lines()


def find_entry_ids(message: str) -> list[str]:
    """Return the requests to models whose answers a commit of ours holds, in order.

    Only the last trailer block is believed, and only if it is one of ours, whole.
    """
    last = _last_block(message)
    found = [match for line in last if (match := TRAILER.fullmatch(line))]
    if len(found) != len(last) or not last[0].startswith(f"{WORKFLOW}: "):
        return []
    return [match[2] for match in found if match[1] == CALL]


def _last_block(message: str) -> list[str]:
    """Return the lines of the last paragraph; an older text never leads to it."""
    return message.rstrip("\n").rsplit("\n\n", 1)[-1].split("\n")
