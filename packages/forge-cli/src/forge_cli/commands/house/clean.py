"""``forge clean``: remove what runs that have ended left in a repository."""

from pathlib import Path

from forge_cli.exit_codes import ExitCode
from forge_cli.options.house.clean import RemovalOptions, SelectionOptions
from forge_cli.options.names import Leftovers
from forge_cli.options.types import FilePath, Switch
from forge_cli.terminal.console import OutputFormat


def clean(
    *runs: Leftovers,
    repo: FilePath = Path(),
    selection: SelectionOptions | None = None,
    removal: RemovalOptions | None = None,
    json: Switch = False,
) -> ExitCode:
    """Remove worktrees, branches and claims of runs that have ended.

    Without a selection it lists what runs left and removes nothing. A run in progress is never
    touched. Its record in the store is kept; `forge db prune` deletes old records.

    Args:
        runs: Runs whose leftovers are removed, each by its task id or workflow id, or by a
            beginning or end of one that fits no other here.
        repo: Directory in the git repository.
        selection: Which runs to clean up after.
        removal: How leftovers are removed.
        json: Print one JSON document on stdout, everything else on stderr; --yes or --dry-run where
            something is to be removed.
    """
    from forge_cli.actions.house.clean import clean_repository  # noqa: PLC0415 - imports Temporal

    return clean_repository(
        repo,
        runs,
        selection or SelectionOptions(),
        removal or RemovalOptions(),
        OutputFormat.choose(json=json),
    )
