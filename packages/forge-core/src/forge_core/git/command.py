"""Running git so that neither environment, hooks nor configuration interfere.

See D45.
"""

import logging
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Timer

from forge_core.errors import DiskFull, GitFailed, GitMissing
from forge_core.files.disk import MESSAGES, is_full
from forge_core.locks.worktree_lock import inherited_locks

logger = logging.getLogger("forge.git")

TIMEOUT_S = 300.0
"""Seconds after which a git command is killed."""

CLEARED_PREFIXES = (
    "GIT_TRACE", "GIT_SSH", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "FORGE_", "TEMPORAL_",
)  # fmt: skip
CLEARED_SUFFIXES = ("_API_KEY", "_AUTH_TOKEN")
CLEARED = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_ASKPASS",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_EDITOR",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_PROXY_COMMAND",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SEQUENCE_EDITOR",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
        "SSH_ASKPASS",
    }
)
"""Variables that point git elsewhere, make it start programs, or are no business of its filters."""

SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.quotePath", "false"),
    ("core.safecrlf", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("submodule.recurse", "false"),
    ("advice.detachedHead", "false"),
)
"""Configuration of every command, before the user's own."""

FALLBACK_IDENTITY = (("user.name", "Forge"), ("user.email", "forge@localhost"))
"""Who commits where the user has configured no identity."""

NAMELESS = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""Characters that git strips from a name, which it refuses if nothing is left."""

NAME_VARIABLES = frozenset({"GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"})
"""Variables that git does not take for unset where they are empty: it refuses to commit."""


def clean_git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git works only where it is pointed, and never prompts."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in CLEARED
        and not name.startswith(CLEARED_PREFIXES)
        and not name.endswith(CLEARED_SUFFIXES)
        and (value or name not in NAME_VARIABLES)
    }
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        # An empty value overrides `core.askPass` and asks nobody.
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
        "LC_ALL": "C",
    }


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one directory."""

    cwd: Path

    def run(self, *args: str, stdin: bytes | None = None) -> str:
        """Run a command and return its output, without the last newline.

        Raises:
            GitFailed: It did not succeed; the message has git's own reason.
            DiskFull: It did not for want of room.
            GitMissing: There is no git.
        """
        return self.read(*args, stdin=stdin).decode("utf-8", "surrogateescape").removesuffix("\n")

    def read(self, *args: str, stdin: bytes | None = None, answers: tuple[int, ...] = ()) -> bytes:
        """Run a command and return its output byte for byte; raises what `run` raises.

        Args:
            args: The command.
            stdin: What it reads.
            answers: Exit codes besides 0 by which it says something and did not fail.
        """
        done = self._start(args, stdin)
        if done.returncode not in {0, *answers}:
            reason = done.stderr.decode("utf-8", "backslashreplace").strip()
            line = " ".join(reason.split())[:500] or f"exit {done.returncode}"
            full = is_full(self.cwd) or any(words in reason for words in MESSAGES)
            raise (DiskFull if full else GitFailed)(f"git {args[0]} failed: {line}")
        return done.stdout

    def read_some(
        self, *args: str, most: int, timeout_s: float, answers: tuple[int, ...] = ()
    ) -> bytes | None:
        """Run a command and return the first bytes of its output, ending it then.

        Args:
            args: The command.
            most: Bytes after which no more is read.
            timeout_s: Seconds that it may take.
            answers: Exit codes besides 0 by which it says something and did not fail.

        Returns:
            None if it failed or took too long.
        """
        with self._open(args, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            timer = Timer(timeout_s, _kill, [process])
            timer.start()
            try:
                output = process.stdout.read(most) if process.stdout is not None else b""
                is_cut = len(output) == most
                in_time = timer.is_alive()
                if is_cut:
                    _kill(process)
                code = process.wait()
            finally:
                timer.cancel()
                _kill(process)
        return output if is_cut or (in_time and code in {0, *answers}) else None

    def succeeds(self, *args: str) -> bool:
        """Run a command and return whether it succeeded."""
        return self._start(args, None).returncode == 0

    def identity(self) -> tuple[str, ...]:
        """Return options that name a committer, if the user's configuration does not.

        A name in the environment counts more than these; a name that git would refuse is none.
        """
        keys = [key for key, _ in FALLBACK_IDENTITY]
        pattern = f"^({'|'.join(map(re.escape, keys))})$"
        output = self._start(("config", "--null", "--get-regexp", pattern), None).stdout
        entries = output.decode(errors="replace").split("\0")
        # The last value of a key counts.
        settings = dict(entry.partition("\n")[::2] for entry in entries)
        is_set = settings.get("user.name", "").strip(NAMELESS) and "user.email" in settings
        return () if is_set else _options(FALLBACK_IDENTITY)

    def _start(
        self, args: tuple[str, ...], stdin: bytes | None
    ) -> subprocess.CompletedProcess[bytes]:
        pipe = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with self._open(args, stdin=pipe, stderr=subprocess.PIPE) as process:
            return _communicate(process, args[0], stdin)

    def _open(self, args: tuple[str, ...], stdin: int, stderr: int) -> subprocess.Popen[bytes]:
        command = ["git", "--literal-pathspecs", *_options(SETTINGS), *args]
        try:
            # A session of its own has no terminal to ask on, and dies as a whole.
            return subprocess.Popen(
                command,
                cwd=self.cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=clean_git_environment(os.environ),
                start_new_session=True,
                pass_fds=inherited_locks(),
            )
        except FileNotFoundError as error:
            if not self.cwd.is_dir():
                raise GitFailed(f"git {args[0]}: {self.cwd} no longer exists") from error
            raise GitMissing("git is not installed, or not on PATH") from error


def _communicate(
    process: subprocess.Popen[bytes], name: str, stdin: bytes | None
) -> subprocess.CompletedProcess[bytes]:
    try:
        stdout, stderr = process.communicate(stdin, TIMEOUT_S)
    except BaseException as error:
        _kill(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise GitFailed(f"git {name} did not end within {TIMEOUT_S:.0f} s") from error
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with its filters, which would hold the pipes."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@lru_cache
def _options(settings: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(option for key, value in settings for option in ("-c", f"{key}={value}"))
