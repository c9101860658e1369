"""``forge doctor``: what is missing or wrong on this machine."""

from pathlib import Path

from forge_cli.exit_codes import ExitCode
from forge_cli.options.types import FilePath, Switch
from forge_cli.render.health import render_findings
from forge_cli.terminal.console import get_width, print_text
from forge_cli.views.json_text import dump


def doctor(
    *,
    repo: FilePath = Path(),
    json: Switch = False,
) -> ExitCode:
    """Find what is missing or wrong on this machine.

    Checks versions, git, Temporal, the store, models and their keys, the state directory, what runs
    left in a repository, and which checks its changes would get. Changes nothing, starts nothing
    and calls no model. `warn` is worth a look, `fail` keeps commands from their work: only that is
    exit code 1.

    Args:
        repo: Directory in the git repository to check.
        json: Print one JSON document instead.
    """
    from forge_cli.actions.house.doctor import examine  # noqa: PLC0415 - imports Temporal

    findings = examine(repo)
    sound = all(finding.ok for finding in findings)
    if json:
        checks = [
            {
                "subject": finding.subject,
                "detail": finding.detail,
                "remedy": finding.remedy,
                "level": finding.level,
                "ok": finding.ok,
            }
            for finding in findings
        ]
        print_text(dump({"ok": sound, "checks": checks}))
    else:
        print_text(render_findings(findings, width=get_width()))
    return ExitCode.SUCCESS if sound else ExitCode.FAILED
