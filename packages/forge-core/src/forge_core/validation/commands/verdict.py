"""Verdicts on how commands ended, beside how they end without the change; pure."""

from dataclasses import dataclass

from forge_core.models.result import ValidationResult
from forge_core.shell.bounds import CommandResult
from forge_core.validation.commands.output import list_new_lines
from forge_core.validation.excerpt import build_excerpt
from forge_core.validation.verdicts import CANNOT_RUN

MAX_LINES = 40
"""Lines that are told as new."""


@dataclass(frozen=True, slots=True)
class BaseRun:
    """How a command ended on what stood before."""

    done: CommandResult

    @property
    def failed(self) -> bool:
        """Whether it ran to its end and passed judgement against what stood there."""
        return self.done.returncode not in {0, None, *CANNOT_RUN}

    def says_all(self, done: CommandResult) -> bool:
        """Return whether it found all that was found afterwards; silence says nothing of that."""
        whole = bool(done.output.strip()) and not (done.truncated or self.done.truncated)
        same_end = done.returncode == self.done.returncode
        return self.failed and whole and same_end and not self.list_new(done)

    def list_new(self, done: CommandResult) -> list[str]:
        """List the lines that are said of the change only."""
        return list_new_lines(done.output, self.done.output)


def build_check_verdict(
    name: str, done: CommandResult, base: BaseRun | None, remark: str = ""
) -> ValidationResult:
    """Build the verdict of a check: its exit code decides, and what stood before is no fault.

    Args:
        name: Of the check.
        done: How its command ended.
        base: How it ends without the change; None where that is not known.
        remark: What else a reader should know.
    """
    seconds = f"{done.duration_ms / 1000:.1f} s"
    stood = base is not None and done.returncode is not None and base.says_all(done)
    reason = CANNOT_RUN.get(done.returncode or 0)
    if done.exceeded or done.timed_out:
        summary = f"killed{f' for {done.exceeded}' if done.exceeded else ''} after {seconds}"
    elif reason is not None:
        summary = f"its command could not run: exit {done.returncode}, {reason}"
    else:
        summary = f"exit {done.returncode} in {seconds}"
    if stood:
        summary += ", as without the change: nothing new"
    elif base is not None and base.failed:
        summary += "; it fails without the change, too"
    passed = done.returncode == 0 or stood
    return ValidationResult(
        check_name=name,
        passed=passed,
        summary=summary + remark,
        details=None if passed else _describe(done, base),
        duration_ms=done.duration_ms,
        unusable=reason is not None,
        warning=stood or (passed and bool(remark)),
    )


def _describe(done: CommandResult, base: BaseRun | None) -> str:
    """Show what a check printed; first of all what it says of the change alone."""
    excerpt = build_excerpt(done.output, seek=True)
    new = base.list_new(done) if base is not None and base.failed else []
    if not new:
        return excerpt
    more = [f"… and {len(new) - MAX_LINES} more"] if len(new) > MAX_LINES else []
    lines = "\n".join([*new[:MAX_LINES], *more])
    return f"Printed with the change only:\n{lines}\n\nAll that it printed:\n{excerpt}"
