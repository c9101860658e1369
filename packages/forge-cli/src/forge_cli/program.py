"""How the command was started, so that the commands in its hints can be copied."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import PurePath

NAME = "forge"

_NAMES = """analyze blame calls cancel clean completion config db demo diff doctor help
logs ls receive report resume run server show stats status version worker"""

HINT = re.compile(rf"(?<![\w./-])forge(?= (?:{'|'.join(_NAMES.split())})\b)")
"""The beginning of a command in a message."""


def as_started(message: str) -> str:
    """Name the program in a message's commands as it was started."""
    program = _get_program()
    return message if program == NAME else HINT.sub(lambda _: program, message)


def find_program(started_as: str, environ: Mapping[str, str]) -> str:
    """Return what starts this program again in the user's shell.

    Args:
        started_as: `sys.argv[0]`; that of another program, which uses this one, says nothing.
        environ: The environment.
    """
    path = PurePath(started_as)
    if path.parts[-2:] == ("forge_cli", "__main__.py"):
        return f"python -m {path.parts[-2]}"
    if path.name != NAME:
        return NAME
    search = environ.get("PATH", "").split(os.pathsep)
    if "HATCH_ENV_ACTIVE" in environ:  # its directory is on the path only while it runs us
        search = [directory for directory in search if PurePath(directory) != path.parent]
    if shutil.which(NAME, path=os.pathsep.join(search)) is not None:
        return NAME
    return "hatch run forge" if "HATCH_ENV_ACTIVE" in environ else shlex.quote(started_as)


@cache
def _get_program() -> str:
    return find_program(sys.argv[0], os.environ)
