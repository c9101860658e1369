"""Where Forge keeps its files, by the XDG base directory specification."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from pwd import getpwuid

from forge_core.errors import ServerUnavailable


def get_state_dir() -> Path:
    """Return where this process keeps its state; nothing is created.

    Raises:
        ServerUnavailable: There is no home directory.
    """
    registered_home = None
    with suppress(KeyError):
        registered_home = getpwuid(os.getuid()).pw_dir
    return locate_state_dir(os.environ, registered_home)


def locate_state_dir(environ: Mapping[str, str], registered_home: str | None = None) -> Path:
    """Return where state is kept: `$XDG_STATE_HOME/forge`, else `~/.local/state/forge`; pure.

    Args:
        environ: The environment.
        registered_home: What the user database says, for an environment without HOME.

    Raises:
        ServerUnavailable: There is no home directory.
    """
    home = environ.get("HOME") or registered_home
    base = locate_base("XDG_STATE_HOME", ".local/state", environ, home)
    if base is None:
        raise ServerUnavailable("no home directory to keep state in: set XDG_STATE_HOME")
    return base / "forge"


def locate_base(
    variable: str, default: str, environ: Mapping[str, str], home: str | None
) -> Path | None:
    """Return a base directory of the user: that of a variable, else one below home; pure.

    A relative path in the variable and an empty or relative home are ignored.

    Args:
        variable: Such as `XDG_CACHE_HOME`.
        default: The directory below home where the variable names none.
        environ: The environment.
        home: The user's home directory.
    """
    configured = environ.get(variable, "")
    if PurePath(configured).is_absolute():
        return Path(configured)
    return Path(home, default) if home and PurePath(home).is_absolute() else None
