"""Linting: what a change brought is mended where that undoes nothing, then judged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandResult
from forge_core.validation.findings import SYNTAX, Finding, find_new, parse_findings
from forge_core.validation.python.files import PythonFile, RuffRefused, group_paths
from forge_core.validation.python.fixes import apply_fixes
from forge_core.validation.python.ruff import OWN_ENDS, Ruff
from forge_core.validation.verdicts import LintReport, build_lint_verdict

LINT = ("check", "--no-fix", "--output-format=json-lines")

MAX_ROUNDS = 10
"""Rounds of fixes: one makes room for another."""

ERRORS_ONLY = "errors only, for want of a ruff configuration"
"""Why style was not looked at."""


@dataclass(slots=True)
class Linter:
    """Lints files by their rules."""

    ruff: Ruff
    files: Sequence[PythonFile]
    config: ValidationConfig
    _base_findings: dict[str, list[Finding]] = field(default_factory=dict)
    _duration_ms: float = 0.0
    _truncated: bool = False

    def mend(self) -> None:
        """Apply fixes to what the change brought, where more than errors is looked for."""
        wish = self.config.run_ruff_lint
        files = [file for file in self.files if file.rules.lints_style(wish)]
        for _ in range(MAX_ROUNDS):
            files = self._mend_once(files)
            if not files:
                return

    def _mend_once(self, files: Sequence[PythonFile]) -> list[PythonFile]:
        """Apply the fixes of one look at files; return those that were changed."""
        findings, mended = self._lint(files), {}
        for file in files:
            text = file.read()
            new = self._select_new(file, text, findings)
            fixed = apply_fixes(text, file.base, new)
            if fixed != text:
                file.write(fixed)
                mended[file.path] = text
        again = [file for file in files if file.path in mended]
        broken = {finding.path for finding in self._lint(again) if finding.code == SYNTAX}
        for file in again:
            if file.path in broken:  # Two fixes that are right by themselves did not go together.
                file.write(mended[file.path])
        return [file for file in again if file.path not in broken]

    def judge(self) -> ValidationResult:
        """Judge what the change brought."""
        findings, texts = self._lint(self.files), {file.path: file.read() for file in self.files}
        new = [
            finding
            for file in self.files
            for finding in self._select_new(file, texts[file.path], findings)
        ]
        wish = self.config.run_ruff_lint
        report = LintReport(
            new=new,
            old=len(findings) - len(new),
            truncated=self._truncated,
            sources=tuple(
                dict.fromkeys(
                    file.source if file.rules.lints_style(wish) else ERRORS_ONLY
                    for file in self.files
                )
            ),
            duration_ms=self._duration_ms,
        )
        return build_lint_verdict(report)

    def _select_new(
        self, file: PythonFile, text: str, findings: Sequence[Finding]
    ) -> list[Finding]:
        own = [finding for finding in findings if finding.path == file.path]
        if not own or file.base is None:
            return own
        if file.path not in self._base_findings:
            options = file.rules.list_lint_options(self.config.run_ruff_lint)
            done = self.ruff.run_on_text((*LINT, *options), file.path, file.base.encode())
            self._base_findings[file.path] = self._read(done)
        return find_new(own, text, self._base_findings[file.path], file.base)

    def _lint(self, files: Sequence[PythonFile]) -> list[Finding]:
        wish = self.config.run_ruff_lint
        groups = group_paths(files, lambda file: file.rules.list_lint_options(wish))
        return [
            finding
            for options, paths in groups.items()
            for finding in self._read(self.ruff.run((*LINT, *options), paths))
        ]

    def _read(self, done: CommandResult) -> list[Finding]:
        self._duration_ms += done.duration_ms
        self._truncated |= done.truncated
        findings = parse_findings(done.output, self.ruff.worktree.resolve())
        if done.returncode not in OWN_ENDS or (done.returncode != 0 and not findings):
            raise RuffRefused(done)
        return findings
