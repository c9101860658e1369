"""Carrying out ``forge clean``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from forge_core.git.leftovers import Leftover, list_leftovers, remove_leftover
from forge_core.git.repository import find_repository

from forge_cli.errors import AmbiguousName, NothingLeft
from forge_cli.escape import escape_line
from forge_cli.exit_codes import ExitCode
from forge_cli.options.house.clean import RemovalOptions, SelectionOptions
from forge_cli.options.types import parse_since
from forge_cli.program import as_started
from forge_cli.render.figures import format_count
from forge_cli.render.json_documents import build_leftover
from forge_cli.render.outcome import render_leftovers
from forge_cli.runs.state import judge
from forge_cli.store.names import LAST, MOST_NAMED, choose_runs, list_near, suggest
from forge_cli.store.queries import Store
from forge_cli.store.resolver import find_run
from forge_cli.terminal.console import OutputFormat, confirm, print_note, print_text
from forge_cli.views.json_text import dump
from forge_cli.views.leftover import Candidate, Cleaning, find_keep_reason, may_be_resumed


def clean_repository(
    path: Path,
    names: Sequence[str],
    selection: SelectionOptions,
    removal: RemovalOptions,
    output: OutputFormat,
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
        if removal != RemovalOptions():
            print_note("note: nothing is chosen: forge clean RUN… | --merged | --older-than 30d")
        if output is OutputFormat.JSON:
            _print_document([_judge(candidate, force=False) for candidate in candidates])
        else:
            _show(candidates, now)
        return ExitCode.SUCCESS
    tasks = [_find_task(name, candidates) for name in names]
    matches = [
        _judge(candidate, force=removal.force)
        for candidate in candidates
        if (not tasks or candidate.leftover.task_id in tasks)
        and not (selection.merged and candidate.leftover.unmerged)
        and (before is None or candidate.ended_at < before)
    ]
    tell = print_note if output is OutputFormat.JSON else print_text
    cleaner = _Cleaner(repo, removal, tell)
    outcomes = [*cleaner.keep(matches), *cleaner.remove(matches)]
    if output is OutputFormat.JSON:
        _print_document(outcomes)
    kept_tasks = {outcome.candidate.leftover.task_id for outcome in outcomes if outcome.kept}
    return ExitCode.FAILED if kept_tasks & set(tasks) else ExitCode.SUCCESS


def _judge(candidate: Candidate, *, force: bool) -> Cleaning:
    """Say whether a leftover may go, and why not."""
    keep_reason = find_keep_reason(candidate)
    if keep_reason is None or (force and keep_reason.can_be_forced):
        return Cleaning(candidate)
    return Cleaning(candidate, keep_reason.reason, can_be_forced=keep_reason.can_be_forced)


def _print_document(outcomes: Sequence[Cleaning]) -> None:
    print_text(dump({"leftovers": [build_leftover(outcome) for outcome in outcomes]}))


def _show(candidates: Sequence[Candidate], now: datetime) -> None:
    if not candidates:
        print_text("runs left nothing in this repository")
        return
    print_text(render_leftovers(candidates, now))
    print_text(as_started("\nremove some: forge clean RUN… | --merged | --older-than 30d"))


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


@dataclass(frozen=True, slots=True)
class _Cleaner:
    """Removes leftovers of a repository, and tells of each what became of it."""

    repo: Path
    removal: RemovalOptions
    tell: Callable[[str], object]

    def keep(self, matches: Sequence[Cleaning]) -> list[Cleaning]:
        """Tell which leftovers stay, and why."""
        kept = [match for match in matches if match.kept is not None]
        for match in kept:
            way_out = ": --force removes it" if match.can_be_forced else ""
            reason = escape_line(match.kept or "")
            self.tell(f"{match.candidate.leftover.task_id}: kept, {reason}{way_out}")
        return kept

    def remove(self, matches: Sequence[Cleaning]) -> list[Cleaning]:
        """Remove the leftovers that may go, if that is wanted."""
        removable = [match for match in matches if match.kept is None]
        if not removable:
            self.tell("nothing to remove")
            return []
        names = ", ".join(match.candidate.leftover.task_id for match in removable)
        what = f"worktrees, branches and claims of {format_count(len(removable), 'run')}: {names}"
        for match in removable:
            self._tell_consequence(match.candidate)
        if self.removal.dry_run:
            self.tell(f"would remove {what}")
            return removable
        if not confirm(f"Remove {what}?", yes=self.removal.yes):
            self.tell("nothing was removed")
            return removable
        # Whoever was asked may have taken long to answer: a run may have gone on.
        now = {c.leftover.task_id: c for c in judge(list_leftovers(self.repo))}
        return [
            self._remove_unchanged(match, now.get(match.candidate.leftover.task_id))
            for match in removable
        ]

    def _tell_consequence(self, candidate: Candidate) -> None:
        """Tell what is lost with a run that has not ended."""
        workflow_id = candidate.leftover.workflow_id
        if workflow_id is not None and may_be_resumed(candidate):
            self.tell(
                f"{candidate.leftover.task_id}: run {workflow_id} can no longer be resumed "
                f"without them; forge cancel {workflow_id} ends it"
            )

    def _remove_unchanged(self, match: Cleaning, now: Candidate | None) -> Cleaning:
        """Remove a leftover that still is as it was chosen."""
        leftover = match.candidate.leftover
        if match.candidate != now:
            self.tell(f"{leftover.task_id}: kept, it has just changed")
            return replace(match, kept="it has just changed")
        remove_leftover(self.repo, leftover)
        self.tell(f"{leftover.task_id}: removed{_describe_branch(leftover)}")
        return replace(match, removed=True)


def _describe_branch(leftover: Leftover) -> str:
    if leftover.branch is None:
        return ""
    return f", branch {leftover.branch} was at {leftover.head}"
