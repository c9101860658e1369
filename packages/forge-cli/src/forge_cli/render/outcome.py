"""How runs ended and what they left, with the commands that show or remove it; pure."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from posixpath import basename
from typing import Any

from forge_core.git.leftovers import Leftover
from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.program import as_started
from forge_cli.render.budget import describe_budget, describe_stop
from forge_cli.render.figures import (
    describe_cost,
    format_age,
    format_count,
    format_duration,
    format_tokens,
)
from forge_cli.render.table import align, name_status, style_status
from forge_cli.views.costs import NO_PRICES, Prices, Tally
from forge_cli.views.leftover import Candidate
from forge_cli.views.result import ResultView

SHORT_COMMIT = 12

MOST_COMMITS = 12
"""Commits that are listed; `git log` lists them all."""

LONGEST_TASK = 36
"""Columns of a task id in a table; a longer one pushes its own row aside."""


ENDS = {"budget": "stopped at its budget"}
"""How a run has ended or stopped, where its status does not say it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a run that has ended, or has stopped at its budget."""

    workflow_id: str
    status: str
    result: ResultView
    reason: str = ""
    """Why it is no success, in one line."""
    took: timedelta | None = None
    tally: Tally = field(default_factory=Tally)
    prices: Prices = NO_PRICES
    is_recorded: bool = False
    """Whether the store can tell more."""
    is_here: bool = False
    """Whether the user stands in its repository, so that commands need not name it."""

    @property
    def has_stopped(self) -> bool:
        """Whether it waits for a new limit."""
        return self.result.budget.limit is not None


def render_outcome(ending: Ending) -> Text:
    """Render how a run ended, what it took and left, and the commands that come next."""
    return Text("\n").join([render_end(ending), *_render_lines(_list_commands(ending))])


def render_end(ending: Ending) -> Text:
    """Render how a run ended, what it took and left."""
    return Text("\n").join([render_head(ending), *_render_lines(_list_facts(ending))])


def render_head(ending: Ending) -> Text:
    """Render how a run ended, in a line."""
    took = f" in {format_duration(ending.took)}" if ending.took is not None else ""
    end = style_status(ending.status, ENDS.get(ending.status))
    return Text.assemble(f"run {escape_line(ending.workflow_id)}: ", end, took)


def _render_lines(rows: Iterable[tuple[str, str]]) -> Iterator[Text]:
    yield from (Text(f"  {label:<7} {line}".rstrip()) for label, line in rows)


def _list_facts(ending: Ending) -> Iterator[tuple[str, str]]:
    result = ending.result
    if ending.reason:
        yield "why", escape_line(ending.reason)
    yield from _list_budget(result)
    if result.plan and ending.status != "success":
        yield "done", f"{result.steps_done:,} of {format_count(len(result.plan), 'step')}"
    for check in result.list_remarks():
        yield "warning" if check.warning else "note", escape_line(check.remark)
    yield from _list_figures(ending)
    commits = _list_commits(result)
    if result.branch:
        left = f"{format_count(len(commits), 'commit')}, {_count_files(result)}"
        yield "branch", f"{escape_line(result.branch)} ({left if commits else 'empty'})"
    for commit, name in commits[:MOST_COMMITS]:
        yield "", f"{commit} {name}"
    if len(commits) > MOST_COMMITS:
        yield "", f"… and {format_count(len(commits) - MOST_COMMITS, 'more commit')}"


def _list_figures(ending: Ending) -> Iterator[tuple[str, str]]:
    """List what the calls of models took, as far as that is on record."""
    tally = ending.tally
    if not tally.calls:
        return
    parts = [f"{tally.calls:,}" + ("" if tally.paid else _describe_unpaid(tally))]
    if tally.is_simulated or tally.unreported < tally.paid:
        sums, more = tally.shown, "+" if tally.unreported else ""
        cached = f" ({format_tokens(sums.cached_tokens)} cached)" if sums.cached_tokens else ""
        label = "simulated " if tally.is_simulated else ""
        tokens_in, tokens_out = map(format_tokens, (sums.input_tokens, sums.output_tokens))
        parts.append(f"{label}{tokens_in} tokens in{cached}, {tokens_out} out{more}")
    yield "calls", ", ".join(parts)
    if cost := describe_cost(tally, ending.prices):
        yield "cost", cost


def _describe_unpaid(tally: Tally) -> str:
    if tally.is_simulated:
        return " by a script"
    return (
        ", scripted or replayed" if tally.scripted == tally.calls else " that no provider answered"
    )


def _list_commands(ending: Ending) -> Iterator[tuple[str, str]]:
    """List the commands that come next, the likeliest first; none that throws work away."""
    result, run = ending.result, _quote(ending.workflow_id)
    commits = _list_commits(result)
    repo = _quote(result.repository or ".")
    git = "git" if ending.is_here else f"git -C {repo}"
    if ending.has_stopped:
        yield "resume", as_started(f"forge resume {run} {result.budget.propose_option()}")
    if result.branch and commits:
        branch = _quote(result.branch)
        if ending.status == "success":
            yield "merge", f"{git} merge {branch}"
        yield "review", f"{git} diff {commits[0][0]}^..{branch}"
    if ending.is_recorded:
        yield "look", as_started(f"forge status {run}")
    if ending.has_stopped:
        yield "cancel", as_started(f"forge cancel {run}")
    elif result.branch and not commits:
        where = "" if ending.is_here else f" --repo {repo}"
        yield "remove", as_started(f"forge clean {_quote(basename(result.branch))}{where}")


def _list_budget(result: ResultView) -> Iterator[tuple[str, str]]:
    """List what was spent of the limits and, of a run that has stopped, what is done."""
    if spent := describe_budget(result.budget):
        yield "budget", spent
    if stopped := describe_stop(result.budget):
        yield "stopped", stopped


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
    status: str = "cancelled"
    """As it is on record: another one, where the run failed before it heard of its end."""


def render_cancelled(run: CancelledRun) -> str:
    """Render what is left, and the command that removes it."""
    lines = [f"run {escape_line(run.workflow_id)}: {name_status(run.status)}"]
    leftovers = [
        f"{name} {escape_line(value)}"
        for name, value in (("branch", run.branch), ("worktree", run.worktree))
        if value is not None
    ]
    if leftovers:
        lines.append(f"  kept    {', '.join(leftovers)}")
        command = ("forge", "clean", run.task_id, "--repo", run.repo)
        lines.append(f"  remove  {as_started(escape_line(shlex.join(command)))}")
    return "\n".join(lines)


def build_cancelled(run: CancelledRun) -> dict[str, Any]:
    """Build the document of ``forge cancel --json``."""
    return asdict(run)


def render_leftovers(candidates: Sequence[Candidate], now: datetime) -> str:
    """Render a table of what is there."""
    rows = [("TASK", "STATUS", "BRANCH", "WORKTREE", "LAST USE")]
    rows += [_render_row(candidate, now) for candidate in candidates]
    lines = align(rows, widest={0: LONGEST_TASK})
    return "\n".join(line.plain for line in lines)


def _render_row(candidate: Candidate, now: datetime) -> tuple[str, str, str, str, str]:
    leftover = candidate.leftover
    return (
        leftover.task_id,
        name_status(candidate.state),
        _render_branch(leftover),
        _render_worktree(leftover),
        format_age(candidate.ended_at, now),
    )


def _render_branch(leftover: Leftover) -> str:
    if leftover.branch is None:
        return "-"
    if leftover.is_empty:
        return "empty"
    return f"{leftover.unmerged} unmerged" if leftover.unmerged else "merged"


def _render_worktree(leftover: Leftover) -> str:
    if leftover.worktree is None:
        return "-"
    return "changed" if leftover.changed else "clean"
