"""Finding and reading configuration files, and letting them count."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forge_core.errors import UsageError
from forge_core.state_dir.locate import locate_base

from forge_cli.config.settings import (
    REPOSITORY_FILE,
    ConfigFile,
    build_task_defaults,
    parse_config,
)

if TYPE_CHECKING:
    from forge_cli.config.checks import CheckSource

LARGEST_BYTES = 1_000_000
"""Size beyond which a file is no configuration."""


def find_user_file() -> Path | None:
    """Return where the user's own file is, whether it exists or not.

    It is `forge/config.toml` in the user's configuration directory; None without one.
    """
    directory = find_user_directory()
    return None if directory is None else directory / "forge" / "config.toml"


def find_user_directory() -> Path | None:
    """Return where programs look for the user's configuration; None without a home directory."""
    home = os.path.expanduser("~")  # noqa: PTH111 - names no home without an error
    return locate_base("XDG_CONFIG_HOME", ".config", os.environ, home)


def find_repository_file(directory: Path) -> Path | None:
    """Return where the file of the repository around a directory is; None outside of one.

    Git is not asked, as `forge_core.git.repository.find_repository` does: what is configured can be
    shown without it, and of a repository without a commit.
    """
    directory = directory.absolute()
    tops = (place for place in (directory, *directory.parents) if (place / ".git").exists())
    top = next(tops, None)
    return None if top is None else top / REPOSITORY_FILE


def load_user_config() -> ConfigFile | None:
    """Read the user's own file; None if there is none.

    Raises:
        UsageError: It cannot be read or is not valid.
    """
    return _load(find_user_file(), repository=False)


def load_repository_config(directory: Path) -> ConfigFile | None:
    """Read the file of the repository around a directory; None if there is none.

    Raises:
        UsageError: It cannot be read, is not valid, or sets what is not its business.
    """
    return _load(find_repository_file(directory), repository=True)


def load_task_defaults(
    directory: Path, *, run_checks: bool | None = None
) -> dict[str, dict[str, Any]]:
    """Read what both files say of a task in the repository around a directory.

    Args:
        directory: In the repository.
        run_checks: Whether the checks that the repository names run; None leaves that to the
            user's own file, which may trust the repository.

    Raises:
        UsageError: A file cannot be read or is not valid.
    """
    files = [file for file in (load_repository_config(directory), load_user_config()) if file]
    defaults = build_task_defaults(files)
    if any(file.checks for file in files):
        from forge_cli.config.checks import build_check_defaults  # noqa: PLC0415 - imports pydantic

        sources = list_checks(directory, run_checks=run_checks)
        defaults["validation"].update(build_check_defaults(sources))
    return defaults


def list_checks(directory: Path, *, run_checks: bool | None = None) -> "list[CheckSource]":
    """List the configured checks, the user's own first; raises what `load_task_defaults` does."""
    from forge_cli.config import checks  # noqa: PLC0415 - imports pydantic

    user, repository = load_user_config(), load_repository_config(directory)
    own, foreign = (
        [checks.CheckSource(check, file.path) for check in file.checks] if file else []
        for file in (user, repository)
    )
    if run_checks is None:
        refusal = None if is_trusted(user, directory) else checks.UNTRUSTED
    else:
        refusal = None if run_checks else checks.REFUSED
    return checks.select_checks(own, foreign, refusal)


def is_trusted(user: ConfigFile | None, directory: Path) -> bool:
    """Return whether the user's own file trusts the repository around a directory.

    It has to name the repository's top directory itself: what is below one, others may have put
    there.
    """
    file = find_repository_file(directory)
    named = user.values.get("trust.repositories", []) if user is not None else []
    return file is not None and file.parent.resolve() in {
        Path(path).expanduser().resolve() for path in named
    }


def _load(path: Path | None, *, repository: bool) -> ConfigFile | None:
    if path is None or not path.exists():
        return None
    return parse_config(str(path), _read(path), repository=repository)


def _read(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most have no such file

    try:
        if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            raise UsageError(f"{path}: not a regular file of at most {LARGEST_BYTES:,} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{path}: not valid TOML: {reason}") from error
