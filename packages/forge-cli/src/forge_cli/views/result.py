"""A run's result as values, read tolerantly from its JSON.

A result may be partial, older than this code or damaged: what is missing is left out, what has
another shape is taken for missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from posixpath import dirname
from typing import Any

from forge_core.models.finding import describe_finding

from forge_cli.views.budget import NO_BUDGET, BudgetView, read_budget
from forge_cli.views.json_text import load_object

TARGETS = "targets"
"""The check that has a verdict only where there is something to say of the named files."""

PHASES = ("context", "model", "write", "validation", "git")
"""Phases of an attempt, one after the other."""


@dataclass(frozen=True, slots=True)
class CheckView:
    """A verdict of one check."""

    name: str
    passed: bool
    summary: str
    details: str
    warning: bool = False
    """Whether it passed with something that a reader should see."""
    unusable: bool = False
    """Whether it could not be made, so that it says nothing of the answer."""

    @property
    def remark(self) -> str:
        """What it says, where its name does not stand beside it."""
        return self.summary if self.name == TARGETS else f"{self.name}: {self.summary}"

    @property
    def finding(self) -> str:
        """What it found, in one line."""
        return describe_finding(self.name, self.summary, self.details)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """What an answer made of one file."""

    path: str
    kind: str
    old_path: str | None
    """Where it stood before it was renamed."""
    added: int
    removed: int
    rungs: Mapping[str, int]
    """How many edits were found by overlooking what; empty for a file written whole."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try at a unit of work."""

    number: int
    signal: str
    error: str | None
    commit: str | None
    stats: Mapping[str, Any] | None
    """Model, tokens and latency of its call."""
    checks: tuple[CheckView, ...]
    started_at: datetime | None = None
    changes: tuple[ChangeView, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds in each phase, in the order in which they follow each other."""

    @property
    def failed_checks(self) -> tuple[CheckView, ...]:
        """Checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def reason(self) -> str:
        """Why it was not accepted, in one line.

        That is the check that could not be made, else what the first one found, else the error.
        """
        if self.signal == "success":
            return ""
        checks = sorted(self.failed_checks, key=lambda check: not check.unusable)
        return checks[0].finding if checks else _first_line(self.error or "") or self.signal

    @property
    def remarks(self) -> tuple[CheckView, ...]:
        """Checks that passed with something to say: a warning, or why targets are as they were."""
        return tuple(c for c in self.checks if c.passed and (c.warning or c.name == TARGETS))


@dataclass(frozen=True, slots=True)
class UnitView:
    """A step or a sub-task, as it was planned or as it stands."""

    name: str
    status: str = ""
    """Empty where it has not begun."""
    commit: str | None = None
    error: str | None = None
    attempts: tuple[AttemptView, ...] = ()
    description: str = ""
    parts: tuple["UnitView", ...] = ()
    """Sub-tasks of a step."""

    @property
    def is_done(self) -> bool:
        """Whether it succeeded; its last attempt tells before its own status does."""
        if self.status != "running":
            return self.status == "success"
        return bool(self.attempts) and self.attempts[-1].signal == "success"

    def list_last_attempts(self) -> list[AttemptView]:
        """List what its commit is made of; nothing where there is none."""
        units = (self, *self.parts) if self.commit else ()
        return [attempt for unit in units for attempt in unit.attempts[-1:]]


@dataclass(frozen=True, slots=True)
class ResultView:
    """What a run has done so far."""

    branch: str | None
    worktree: str | None
    error: str | None
    planner: Mapping[str, Any] | None
    plan: tuple[UnitView, ...]
    steps: tuple[UnitView, ...]
    attempts: tuple[AttemptView, ...]
    """Attempts of a task without a plan."""
    files: tuple[str, ...]
    status: str = ""
    """Of a run under way, too, if it says so; `budget` counts as that."""
    budget: BudgetView = NO_BUDGET

    @property
    def steps_done(self) -> int:
        """Steps that ended with success."""
        return sum(step.is_done for step in self.steps)

    def describe_current(self) -> str:
        """Say what is to be done next, e.g. ``step c, attempt 2``; empty where all is done."""
        done = {step.name for step in self.steps if step.is_done}
        attempts = {step.name: step.attempts for step in self.steps}
        for step in self.plan:
            if step.name not in done:
                return f"step {step.name}, attempt {len(attempts.get(step.name, ())) + 1}"
        done_already = bool(self.plan) or any(try_.signal == "success" for try_ in self.attempts)
        return "" if done_already else f"attempt {len(self.attempts) + 1}"

    @property
    def repository(self) -> str | None:
        """The repository of the worktree, which stands two directories above it."""
        return dirname(dirname(self.worktree)) if self.worktree else None

    @property
    def deleted_files(self) -> tuple[str, ...]:
        """Files that the commits deleted and none of them wrote again."""
        units = [self.attempts[-1:], *(step.list_last_attempts() for step in self.steps)]
        deleted = {
            change.path
            for attempts in units
            for attempt in attempts
            for change in attempt.changes
            if change.kind == "deleted"
        }
        return tuple(sorted(deleted.difference(self.files)))

    def find_reason(self) -> str:
        """Find why it is no success, in one line: the first finding, else the error."""
        for step in self.steps[-1:]:
            units = [*step.parts, step]
            for unit in units:
                if reason := unit.attempts[-1].reason if unit.attempts else "":
                    part = "" if unit is step else f" / {unit.name}"
                    return f"step {step.name}{part}: {reason}"
        attempts = () if self.steps else self.attempts[-1:]
        reasons = (attempt.reason for attempt in attempts)
        return next(filter(None, reasons), "") or _first_line(self.error or "")

    def list_remarks(self) -> tuple[CheckView, ...]:
        """List what is to be said of the attempts that were accepted."""
        units = [self.attempts, *(step.attempts for step in self.steps)]
        accepted = (unit[-1] for unit in units if unit and unit[-1].signal == "success")
        return tuple(remark for attempt in accepted for remark in attempt.remarks)

    def describe_steps(self) -> str:
        """Say how many of the planned steps are done, e.g. ``2/3``; ``-`` without a plan."""
        return f"{self.steps_done}/{len(self.plan)}" if self.plan else "-"


def parse_result(text: str) -> ResultView:
    """Read a result's JSON."""
    return build_result_view(load_object(text))


def build_result_view(document: Mapping[str, Any]) -> ResultView:
    """Read a result."""
    plan = _plan(_items(_mapping(document, "plan") or {}, "steps"))
    descriptions = {step.name: step.description for step in plan}
    return ResultView(
        branch=_optional(document, "worktree_branch"),
        worktree=_optional(document, "worktree_path"),
        error=_optional(document, "error"),
        planner=_mapping(document, "planner_stats"),
        plan=plan,
        steps=tuple(_step(step, descriptions) for step in _items(document, "step_results")),
        attempts=tuple(_attempt(item) for item in _items(document, "attempts")),
        files=tuple(sorted(_mapping(document, "output_files") or {})),
        status=_text(document, "status").replace("budget", "running"),
        budget=read_budget(document),
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _plan(steps: list[Mapping[str, Any]]) -> tuple[UnitView, ...]:
    return tuple(
        UnitView(
            _text(step, "step_id"),
            description=_text(step, "description"),
            parts=tuple(
                UnitView(_text(part, "sub_task_id"), description=_text(part, "description"))
                for part in _items(step, "sub_tasks")
            ),
        )
        for step in steps
    )


def _step(document: Mapping[str, Any], descriptions: Mapping[str, str]) -> UnitView:
    step = _unit(document, _text(document, "step_id"), _optional(document, "commit_sha"))
    parts = [
        _unit(part, _text(part, "sub_task_id"), _optional(part, "digest"))
        for part in _items(document, "sub_task_results")
    ]
    return replace(step, description=descriptions.get(step.name, ""), parts=tuple(parts))


def _unit(document: Mapping[str, Any], name: str, commit: str | None) -> UnitView:
    return UnitView(
        name=name,
        status=_text(document, "status"),
        commit=commit,
        error=_optional(document, "error"),
        attempts=tuple(_attempt(item) for item in _items(document, "attempts")),
    )


def _attempt(document: Mapping[str, Any]) -> AttemptView:
    durations = _mapping(document, "duration_ms") or {}
    number = document.get("attempt")
    return AttemptView(
        number=number if isinstance(number, int) else 0,
        signal=_text(document, "signal"),
        error=_optional(document, "error"),
        commit=_optional(document, "commit_sha"),
        stats=_mapping(document, "llm_stats"),
        checks=tuple(_check(item) for item in _items(document, "validation_results")),
        started_at=_moment(document, "started_at"),
        changes=tuple(_change(item) for item in _items(document, "changes")),
        phases={
            phase: float(durations[phase])
            for phase in PHASES
            if isinstance(durations.get(phase), int | float)
        },
    )


def _change(document: Mapping[str, Any]) -> ChangeView:
    rungs = _mapping(document, "rungs") or {}
    return ChangeView(
        path=_text(document, "path"),
        kind=_text(document, "kind"),
        old_path=_optional(document, "old_path"),
        added=_count(document.get("lines_added")),
        removed=_count(document.get("lines_removed")),
        rungs={rung: _count(number) for rung, number in rungs.items()},
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(document: Mapping[str, Any], key: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(document, key))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _check(document: Mapping[str, Any]) -> CheckView:
    return CheckView(
        name=_text(document, "check_name"),
        passed=document.get("passed") is True,
        summary=_text(document, "summary"),
        details=_text(document, "details"),
        warning=document.get("warning") is True,
        unusable=document.get("unusable") is True,
    )


def _items(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = document.get(key)
    return value if isinstance(value, dict) else None


def _text(document: Mapping[str, Any], key: str) -> str:
    return _optional(document, key) or ""


def _optional(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None
