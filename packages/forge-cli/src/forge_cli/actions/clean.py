"""Carrying out ``forge clean``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from forge_core.git.leftovers import Leftover, list_leftovers, remove_leftover
from forge_core.git.repository import find_repository

from forge_cli.errors import AmbiguousName, NothingLeft
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.clean import RemovalOptions, SelectionOptions
from forge_cli.options.types import parse_since
from forge_cli.program import as_started
from forge_cli.render.figures import format_count
from forge_cli.render.outcome import render_leftovers
from forge_cli.runs.state import judge
from forge_cli.store.names import LAST, MOST_NAMED, choose_runs, list_near, suggest
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import confirm, print_text
from forge_cli.views.leftover import Candidate, find_keep_reason, may_be_resumed


def clean_repository(
    path: Path, names: Sequence[str], selection: SelectionOptions, removal: RemovalOptions
) -> ExitCode:
    """Remove, list or refuse what runs left in the repository around a path.

    Raises:
        UsageError: It is no repository, or nobody can be asked.
        NothingLeft: A run that was named left nothing.
        AmbiguousName: A name fits several runs that left something.
    """
    repo, now = find_repository(path), datetime.now(UTC)
    before = _parse_age(selection.older_than, now)
    candidates = judge(list_leftovers(repo))
    if not (names or selection.merged or selection.older_than):
        _show(candidates, now)
        return ExitCode.SUCCESS
    tasks = [_find_task(name, candidates) for name in names]
    matches = [
        candidate
        for candidate in candidates
        if (not tasks or candidate.leftover.task_id in tasks)
        and not (selection.merged and candidate.leftover.unmerged)
        and (before is None or candidate.ended_at < before)
    ]
    kept_tasks = {c.leftover.task_id for c in matches if _print_kept(c, force=removal.force)}
    kept_tasks |= _remove(
        repo, [c for c in matches if c.leftover.task_id not in kept_tasks], removal
    )
    return ExitCode.FAILED if kept_tasks & set(tasks) else ExitCode.SUCCESS


def _print_kept(candidate: Candidate, *, force: bool) -> bool:
    """Print why a leftover is kept, if it is; return whether it is."""
    keep_reason = find_keep_reason(candidate)
    if keep_reason is None or (force and keep_reason.can_be_forced):
        return False
    way_out = ": --force removes it" if keep_reason.can_be_forced else ""
    print_text(f"{candidate.leftover.task_id}: kept, {escape_line(keep_reason.reason)}{way_out}")
    return True


def _show(candidates: Sequence[Candidate], now: datetime) -> None:
    if not candidates:
        print_text("runs left nothing in this repository")
        return
    print_text(render_leftovers(candidates, now))
    print_text(as_started("\nremove some: forge clean TASK… | --merged | --older-than 30d"))


def _parse_age(text: str | None, now: datetime) -> datetime | None:
    return None if text is None else parse_since(text, now, "--older-than")


def _find_task(name: str, candidates: Sequence[Candidate]) -> str:
    """Return the task id of the leftover that a name fits."""
    leftovers = [candidate.leftover for candidate in candidates]
    called = find_run(Store(), name) if name == LAST else name
    fitting = choose_runs(called, leftovers)
    if not fitting:
        near = list_near(
            called, [(left.workflow_id or left.task_id, left.task_id) for left in leftovers]
        )
        known = suggest(near) if near else ": `forge clean` lists what there is"
        raise NothingLeft(f"run {called!r} left nothing here{known}")
    if len(fitting) > 1:
        named = ", ".join(left.task_id for left in fitting[:MOST_NAMED])
        others = ", and others" if len(fitting) > MOST_NAMED else ""
        raise AmbiguousName(f"{name!r} fits several runs: {named}{others}")
    return fitting[0].task_id


def _remove(repo: Path, candidates: Sequence[Candidate], removal: RemovalOptions) -> set[str]:
    """Remove leftovers if that is wanted; give the tasks whose leftovers changed meanwhile."""
    if not candidates:
        print_text("nothing to remove")
        return set()
    names = ", ".join(candidate.leftover.task_id for candidate in candidates)
    what = f"worktrees, branches and claims of {format_count(len(candidates), 'run')}: {names}"
    for candidate in candidates:
        _tell_consequence(candidate)
    if removal.dry_run:
        print_text(f"would remove {what}")
        return set()
    if not confirm(f"Remove {what}?", yes=removal.yes):
        print_text("nothing was removed")
        return set()
    # Whoever was asked may have taken long to answer: a run may have gone on.
    now = {candidate.leftover.task_id: candidate for candidate in judge(list_leftovers(repo))}
    return {
        candidate.leftover.task_id
        for candidate in candidates
        if not _remove_unchanged(repo, candidate, now.get(candidate.leftover.task_id))
    }


def _tell_consequence(candidate: Candidate) -> None:
    """Tell what is lost with a run that has not ended."""
    workflow_id = candidate.leftover.workflow_id
    if workflow_id is not None and may_be_resumed(candidate):
        print_text(
            f"{candidate.leftover.task_id}: run {workflow_id} can no longer be resumed without "
            f"them; forge cancel {workflow_id} ends it"
        )


def _remove_unchanged(repo: Path, candidate: Candidate, now: Candidate | None) -> bool:
    """Remove a leftover that still is as it was chosen; tell whether it was."""
    leftover = candidate.leftover
    if candidate != now:
        print_text(f"{leftover.task_id}: kept, it has just changed")
        return False
    remove_leftover(repo, leftover)
    print_text(f"{leftover.task_id}: removed{_describe_branch(leftover)}")
    return True


def _describe_branch(leftover: Leftover) -> str:
    if leftover.branch is None:
        return ""
    return f", branch {leftover.branch} was at {leftover.head}"
