"""What would check a run's changes in a repository, for ``forge doctor``.

See D75.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forge_core.errors import ForgeError, RepositoryError, UsageError
from forge_core.git.repository import find_repository, resolve_commit
from forge_core.models.task import ValidationConfig
from forge_core.validation.commands.selection import select_paths
from forge_core.validation.probe import check_validation, explain_missing, list_paths
from forge_core.validation.python.ruff_rules import find_rules

from forge_cli.config.checks import CheckSource
from forge_cli.config.files import list_checks, load_task_defaults
from forge_cli.render.figures import format_count
from forge_cli.views.finding import Finding

INSTALL = "install it, or correct the check's command"


def examine_checks(repo: Path) -> list[Finding]:
    """Say which checks a run would make in a repository, and which cannot be made."""
    try:
        top = find_repository(repo)
        commit = resolve_commit(top, None)
        rules = load_task_defaults(repo)["validation"]
        paths = list_paths(top, commit)
        return [
            _examine_ruff(top, commit, rules),
            _examine_syntax(rules),
            *(_examine(top, commit, paths, source) for source in list_checks(repo)),
            *_examine_tests(rules),
        ]
    except RepositoryError as error:
        return [Finding("checks", f"not checked: {error}")]
    except UsageError as error:
        return [Finding("checks", str(error), "correct the file")]
    except ForgeError as error:
        return [Finding("checks", str(error), "see the line on git")]


def _examine_ruff(top: Path, commit: str, rules: Mapping[str, Any]) -> Finding:
    wishes = {name: rules.get(name) for name in ("run_ruff_lint", "run_ruff_format")}
    lint, form = wishes.values()
    try:
        check_validation(top, commit, ValidationConfig(**wishes), ())
    except UsageError as error:
        return Finding("ruff", str(error), "correct it")
    ruff = find_rules(top, "x.py")
    if ruff.configuration is not None:
        scope = f"by {ruff.configuration}"
    else:
        scope = "by ruff's defaults" if lint else "errors only, for want of a ruff configuration"
    parts = ["lint is off" if lint is False else f"lints Python {scope}"]
    formats = form is not False and ruff.formats(form)
    parts.append("formats it" if formats else "does not format it")
    return Finding("ruff", ", ".join(parts))


def _examine_syntax(rules: Mapping[str, Any]) -> Finding:
    if rules.get("check_syntax") is False:
        return Finding("syntax", "off by validation.check_syntax")
    return Finding("syntax", "parses JSON, TOML and YAML, and Python where ruff does not")


def _examine(top: Path, commit: str, paths: Sequence[str], source: CheckSource) -> Finding:
    check, subject = source.check, f"check {source.check.name}"
    count = len(select_paths(check.files, paths))
    scope = f"{format_count(count, 'file')} of {' '.join(check.files) or 'any name'}"
    detail = f"{check.command!r} on {scope}, of {source.source}"
    if source.skipped is not None:
        return Finding(subject, f"skipped, {source.skipped}: {detail}")
    if not count:
        return Finding(subject, f"no file of this commit needs it: {detail}")
    reason = explain_missing(top, commit, check)
    if reason is not None:
        return Finding(subject, f"cannot run, {reason}: {detail}", INSTALL)
    return Finding(subject, f"runs {detail}")


def _examine_tests(rules: Mapping[str, Any]) -> Iterator[Finding]:
    """Say when a configured test command runs."""
    command = rules.get("test_command")
    if command is not None:
        when = "runs" if rules.get("run_tests") else "runs with --run-tests"
        yield Finding("tests", f"{command!r} {when}")
