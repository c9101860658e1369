"""Programs of others that record calls: each runs by itself, as it would at its owner's."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

DEADLINE_S = 120

CALL = 'dict(task_id="t", role="llm", system_prompt="s", user_prompt="u", response="r")'
"""The keywords of a call, as source text."""


def run_host(
    program: str, *args: str | Path, cwd: Path | None = None, options: tuple[str, ...] = ()
) -> str:
    """Run a program and return what it printed.

    Args:
        program: Its source text.
        args: What it finds in `sys.argv`.
        cwd: Where it runs; modules there are its own.
        options: Of the interpreter.

    Raises:
        AssertionError: It failed; with what it wrote on stderr.
    """
    done = subprocess.run(
        [sys.executable, *options, "-c", dedent(program), *map(str, args)],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
