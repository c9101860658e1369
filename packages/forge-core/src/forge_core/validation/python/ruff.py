"""Running ruff on files of a worktree, or on what stood in their place."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruff import find_ruff_bin

from forge_core.errors import ForgeError
from forge_core.shell.bounds import CommandBounds, CommandResult
from forge_core.shell.run import run_command
from forge_core.validation.environment import clean_environment

TIMEOUT_S = 120.0
OUTPUT_LIMIT = 4_000_000
OWN_ENDS = (0, 1)
"""Exit codes with which ruff passes judgement; any other means that it could not."""

OTHER_VERSION = "Required version"
"""What ruff says where the configuration wants another version."""

OnWait = Callable[[], None]
"""Called while a command runs; what it raises ends the command."""


class RuffMissing(ForgeError):
    """There is no ruff."""


@dataclass(frozen=True, slots=True)
class Ruff:
    """Ruff in a worktree.

    Forge's own is used, or, where the configuration requires another version, the first on the
    PATH that it accepts.
    """

    worktree: Path
    on_wait: OnWait

    def run(self, args: Sequence[str], paths: Sequence[str]) -> CommandResult:
        """Run a command on files.

        Raises:
            RuffMissing: There is no ruff.
        """
        # "./" keeps a path like "@x.py" from being read as a file of arguments.
        return self._run([*args, "--no-cache", "--", *(f"./{path}" for path in paths)])

    def run_on_text(self, args: Sequence[str], path: str, text: bytes) -> CommandResult:
        """Run a command on a text as if it stood at a path; raises what `run` raises."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            command = [*args, "--no-cache", "--stdin-filename", f"./{path}", "-"]
            return self._run(command, stdin=file.name)

    def _run(self, args: Sequence[str], stdin: str = os.devnull) -> CommandResult:
        done = None
        for executable in list_executables():
            done = run_command(
                ["/bin/sh", "-c", 'exec "$@" < "$0"', stdin, executable, *args],
                cwd=self.worktree,
                env=clean_environment(os.environ),
                bounds=CommandBounds(TIMEOUT_S, OUTPUT_LIMIT),
                on_wait=self.on_wait,
            )
            if done.returncode in OWN_ENDS or OTHER_VERSION not in done.output:
                return done
        if done is None:
            raise RuffMissing("ruff is not installed")
        return done


def list_executables() -> Iterator[str]:
    """List Forge's own ruff and those on the PATH."""
    try:
        own = find_ruff_bin()
    except FileNotFoundError:
        own = None
    if own is not None:
        yield own
    for directory in os.get_exec_path():
        # One that is relative would be the repository's own.
        path = shutil.which("ruff", path=directory) if Path(directory).is_absolute() else None
        if path is not None and path != own:
            yield path


def explain_refusal(done: CommandResult) -> str:
    """Say in one line why ruff passed no judgement."""
    if done.timed_out:
        return "ruff did not end"
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    causes = [line.removeprefix("Cause: ") for line in lines if line.startswith("Cause: ")]
    errors = [line for line in lines if line.startswith("error")]
    reason = ": ".join(causes[-2:]) if causes else next(iter(errors or lines), "")
    return f"ruff ended with exit {done.returncode}" + (f": {reason}" if reason else "")
