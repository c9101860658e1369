"""How runs ended and what they left, with the commands that show or remove it; pure."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from posixpath import basename, dirname
from typing import Any

from forge_core.git.leftovers import Leftover
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.budget import describe_budget, describe_stop
from forge_cli.render.figures import format_age, format_count
from forge_cli.render.table import align, style_status
from forge_cli.views.leftover import Candidate
from forge_cli.views.result import ResultView

SHORT_COMMIT = 12

MOST_COMMITS = 12
"""Commits that are listed; `git log` lists them all."""


def render_outcome(
    workflow_id: str, status: str, result: ResultView, *, cost: str = "", recorded: bool = False
) -> Text:
    """Render how a run ended and what can be done next.

    Args:
        workflow_id: The run's.
        status: How it ended.
        result: What it did.
        cost: What its calls cost; empty where nobody knows or none was paid.
        recorded: Whether the store can tell more.
    """
    lines = [Text.assemble(f"run {escape_line(workflow_id)}: ", style_status(status))]
    lines += [
        Text(f"  {label:<7} {line}".rstrip())
        for label, line in _list_lines(workflow_id, result, cost, recorded=recorded)
    ]
    return Text("\n").join(lines)


def _list_lines(
    workflow_id: str, result: ResultView, cost: str, *, recorded: bool
) -> Iterator[tuple[str, str]]:
    if result.error:
        yield "error", escape_line(result.error)
    yield from _list_budget(result)
    for check in result.list_remarks():
        yield "warning" if check.warning else "note", escape_line(check.remark)
    commits = _list_commits(result)
    if result.branch:
        yield "branch", f"{escape_line(result.branch)} ({_count_files(result)})"
    for number, (commit, name) in enumerate(commits[:MOST_COMMITS]):
        yield "" if number else "commits", f"{commit[:SHORT_COMMIT]} {name}"
    if len(commits) > MOST_COMMITS:
        yield "", f"… and {format_count(len(commits) - MOST_COMMITS, 'more commit')}"
    if cost:
        yield "cost", cost
    if result.branch and commits:
        yield "review", f"{_git(result)} diff {commits[0][0]}^..{_quote(result.branch)}"
    if recorded:
        yield "look", as_started(f"forge status --workflow-id {_quote(workflow_id)} --verbose")
    stopped = result.budget.limit is not None
    if stopped:
        yield (
            "resume",
            as_started(f"forge resume {_quote(workflow_id)} {result.budget.propose_option()}"),
        )
        yield "cancel", as_started(f"forge cancel {_quote(workflow_id)}")
    if result.branch and result.worktree and not stopped:
        repo = _quote(_find_repository(result))
        yield (
            "remove",
            as_started(f"forge clean {_quote(basename(result.branch))} --repo {repo} --force"),
        )


def _list_budget(result: ResultView) -> Iterator[tuple[str, str]]:
    """List what was spent of the limits and, of a run that has stopped, what is done."""
    if spent := describe_budget(result.budget):
        yield "budget", spent
    if stopped := describe_stop(result.budget):
        yield "stopped", stopped
        if result.plan:
            yield "done", f"{result.steps_done:,} of {format_count(len(result.plan), 'step')}"


def _count_files(result: ResultView) -> str:
    written, deleted = len(result.files), len(result.deleted_files)
    return format_count(written, "file") + (f", {deleted:,} deleted" if deleted else "")


def _list_commits(result: ResultView) -> Sequence[tuple[str, str]]:
    """List the commits on the branch, oldest first, each with the unit that it holds."""
    units = [(step.commit, escape_line(step.name), len(step.attempts)) for step in result.steps]
    units += [(attempt.commit, "", attempt.number) for attempt in result.attempts[-1:]]
    return [
        (
            escape_line(commit[:SHORT_COMMIT]),
            f"{name} (attempt {number})".strip() if number > 1 else name,
        )
        for commit, name, number in units
        if commit
    ]


def _git(result: ResultView) -> str:
    return f"git -C {_quote(_find_repository(result))}"


def _find_repository(result: ResultView) -> str:
    """Return the repository of a worktree, which stands two directories above it."""
    return dirname(dirname(result.worktree or "")) or "."


def _quote(text: str) -> str:
    return shlex.quote(escape_line(text))


@dataclass(frozen=True, slots=True)
class CancelledRun:
    """A run that was cancelled; None for what it left not."""

    workflow_id: str
    task_id: str
    repo: str
    branch: str | None = None
    worktree: str | None = None


def render_cancelled(run: CancelledRun) -> str:
    """Render what is left, and the command that removes it."""
    lines = [f"run {escape_line(run.workflow_id)}: cancelled"]
    leftovers = [
        f"{name} {escape_line(value)}"
        for name, value in (("branch", run.branch), ("worktree", run.worktree))
        if value is not None
    ]
    if leftovers:
        lines.append(f"  kept    {', '.join(leftovers)}")
        command = ("forge", "clean", run.task_id, "--repo", run.repo, "--force")
        lines.append(f"  remove  {as_started(escape_line(shlex.join(command)))}")
    return "\n".join(lines)


def build_cancelled(run: CancelledRun) -> dict[str, Any]:
    """Build the document of ``forge cancel --json``."""
    return {**asdict(run), "status": "cancelled"}


def render_leftovers(candidates: Sequence[Candidate], now: datetime) -> str:
    """Render a table of what is there."""
    rows = [("TASK", "STATUS", "BRANCH", "WORKTREE", "LAST USE")]
    rows += [_render_row(candidate, now) for candidate in candidates]
    return "\n".join(line.plain for line in align(rows))


def _render_row(candidate: Candidate, now: datetime) -> tuple[str, str, str, str, str]:
    leftover = candidate.leftover
    return (
        leftover.task_id,
        escape_line(candidate.state),
        _render_branch(leftover),
        _render_worktree(leftover),
        format_age(candidate.ended_at, now),
    )


def _render_branch(leftover: Leftover) -> str:
    if leftover.branch is None:
        return "-"
    return f"{leftover.unmerged} unmerged" if leftover.unmerged else "merged"


def _render_worktree(leftover: Leftover) -> str:
    if leftover.worktree is None:
        return "-"
    return "changed" if leftover.changed else "clean"
