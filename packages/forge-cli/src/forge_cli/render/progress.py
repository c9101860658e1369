"""What is new between two looks at a run, as plain lines."""

from collections.abc import Iterator, Sequence

from forge_cli.escape import escape_line
from forge_cli.render.figures import format_count
from forge_cli.views.result import AttemptView, ResultView, UnitView


def render_progress(before: ResultView, after: ResultView) -> list[str]:
    """Say what happened between two looks at the same run."""
    lines = []
    if after.plan and not before.plan:
        names = ", ".join(escape_line(step.name) for step in after.plan)
        lines.append(f"planned {format_count(len(after.plan), 'step')}: {names}")
    lines += _attempts("task", before.attempts, after.attempts)
    known = {step.name: step for step in before.steps}
    for number, step in enumerate(after.steps, start=1):
        label = f"step {number}/{len(after.plan)} {escape_line(step.name)}"
        lines += _unit(label, known.get(step.name), step)
    return lines


def _unit(label: str, before: UnitView | None, after: UnitView) -> Iterator[str]:
    known = {part.name: part for part in before.parts} if before else {}
    for part in after.parts:
        name = f"{label} / {escape_line(part.name)}"
        told = known[part.name].attempts if part.name in known else ()
        failed = [attempt for attempt in part.attempts[len(told) :] if attempt.signal != "success"]
        yield from _attempts(name, (), failed)
    yield from _attempts(label, before.attempts if before else (), after.attempts)
    status = before.status if before else "running"
    if after.status not in {status, "running"}:
        commit = f", commit {escape_line(after.commit[:12])}" if after.commit else ""
        parts = f", {format_count(len(after.parts), 'sub-task')}" if after.parts else ""
        yield f"{label}: {escape_line(after.status)}{parts}{commit}"


def _attempts(
    label: str, before: Sequence[AttemptView], after: Sequence[AttemptView]
) -> Iterator[str]:
    for attempt in after[len(before) :]:
        if attempt.signal == "success":
            yield f"{label}: attempt {attempt.number} passed"
        else:
            reason = escape_line(attempt.error or attempt.signal)
            yield f"{label}: attempt {attempt.number} failed: {reason}"
