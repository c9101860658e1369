"""``forge blame``: which call of a model wrote a line."""

from pathlib import Path

from forge_core.errors import UsageError

from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.blame import parse_file_lines
from forge_cli.options.types import FilePath, Switch
from forge_cli.terminal.console import OutputFormat
from forge_cli.terminal.pager import paged


def blame(
    file: str | None = None,
    /,
    *,
    commit: str | None = None,
    repo: FilePath = Path(),
    json: Switch = False,
) -> ExitCode:
    """Say which call or person wrote the lines of a file.

    Each line is followed through git blame to its commit, and by that commit's trailers to the
    call. Trailers survive merges, rebases and cherry-picks; what a squash has lost is said, with
    the calls that are possible.

    Args:
        file: The file, or some of its lines: FILE:LINE, FILE:LINE-LINE or, as
            linters name it, FILE:LINE:COLUMN.
        commit: Ask for a commit instead: which calls it holds, and which files each of them wrote.
        repo: Directory in the git repository; a relative file is one below it.
        json: Print one JSON document instead.
    """
    from forge_cli.actions.look.blame import blame_commit, blame_file  # noqa: PLC0415 - imports SQLAlchemy

    if (file is None) == (commit is None):
        raise UsageError("name a file, as in FILE:LINE, or a commit by --commit")
    output = OutputFormat.choose(json=json)
    with paged():
        if commit is not None:
            return blame_commit(repo, commit, output)
        lines = parse_file_lines(file or "", lambda name: (repo / name).is_file())
        return blame_file(repo, lines, output)
