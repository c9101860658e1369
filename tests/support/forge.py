"""Running the ``forge`` command as its users do: a process of its own."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.forked import NO_SEAMS, ForgeProcess


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """Stdout as the one JSON document that it must be."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def error(self) -> str:
        """The one line that says why it failed."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.stderr
        return lines[0]


Forge = Callable[..., Outcome]
"""Runs a command from its words."""


@contextmanager
def running_forge(
    *args: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ignored: Sequence[int] = (),
    seams: Mapping[str, float] = NO_SEAMS,
) -> Iterator[ForgeProcess]:
    """Run a command until the block ends, at the latest."""
    process = ForgeProcess(args, {**os.environ, **(env or {})}, cwd or Path.cwd(), ignored, seams)
    try:
        yield process
    finally:
        process.close()


def run_forge(*args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Outcome:
    """Run a command to its end."""
    with running_forge(*args, env=env, cwd=cwd) as process:
        stdout, stderr = process.communicate()
        outcome = Outcome(process.wait(), stdout, stderr)
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome
