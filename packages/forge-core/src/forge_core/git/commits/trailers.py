"""Subjects and trailers of commits, pure."""

import re
import unicodedata
from dataclasses import dataclass

SUBJECT_LENGTH = 72
"""Characters of a commit's subject."""

WORKFLOW = "Forge-Workflow"
"""First trailer of every commit of ours."""

STEP = "Forge-Step"

ATTEMPT = "Forge-Attempt"

CALL = "Forge-Call"
"""Trailer that names a request to a model; there may be several."""

TRAILER = re.compile(r"([A-Za-z0-9-]+): (.*)")

PICKED = re.compile(r"\(cherry picked from commit [0-9a-f]+\)")
"""What `git cherry-pick -x` adds to the last block."""

MAX_DIGITS = 10
"""Digits of a number of an attempt, which are fewer."""


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
        step = [f"{STEP}: {self.step_id}"] if self.step_id is not None else []
        calls = [f"{CALL}: {entry_id}" for entry_id in self.entry_ids]
        attempt = f"{ATTEMPT}: {self.attempt}"
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


def parse_trailers(message: str) -> CommitTrailers | None:
    """Return what ties a commit of ours to its attempt; None for any other commit.

    Only the last trailer block is believed, and only if it is one of ours, whole. What git and its
    users put behind our lines in the same block (sign-offs, the origin of a cherry-pick) is no
    harm.
    """
    lines = [line for line in _last_block(message) if not PICKED.fullmatch(line)]
    matches = [match for line in lines if (match := TRAILER.fullmatch(line))]
    if not matches or len(matches) != len(lines) or matches[0][1] != WORKFLOW:
        return None
    values = {match[1]: match[2] for match in reversed(matches)}
    attempt = values.get(ATTEMPT, "")
    calls = tuple(match[2] for match in matches if match[1] == CALL)
    number = int(attempt) if attempt.isdecimal() and len(attempt) < MAX_DIGITS else 0
    return CommitTrailers(values[WORKFLOW], values.get(STEP), number, calls)


def list_mentions(message: str) -> tuple[CommitTrailers, ...]:
    """List what a message says anywhere of commits of ours, such as that of a squash.

    Nothing of it is sure: whoever wrote the message may have written these lines, too.
    """
    blocks: list[list[tuple[str, str]]] = []
    for line in message.split("\n"):
        match = TRAILER.fullmatch(line.strip())
        if match is None:
            continue
        if match[1] == WORKFLOW:
            blocks.append([])
        if blocks:
            blocks[-1].append((match[1], match[2]))
    texts = ("\n".join(f"{name}: {value}" for name, value in block) for block in blocks)
    parsed = (parse_trailers(text) for text in texts)
    return tuple(trailers for trailers in parsed if trailers is not None)


def _last_block(message: str) -> list[str]:
    """Return the lines of the last paragraph; an older text never leads to it."""
    return message.rstrip("\n").rsplit("\n\n", 1)[-1].split("\n")
