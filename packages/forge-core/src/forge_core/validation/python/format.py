"""Formatting what a change brought, and leaving alone what stood before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from forge_core.models.result import ValidationResult
from forge_core.models.task import ValidationConfig
from forge_core.shell.bounds import CommandResult
from forge_core.validation.comparison import compare
from forge_core.validation.python.files import PythonFile, RuffRefused, group_paths
from forge_core.validation.python.ruff import OWN_ENDS, Ruff
from forge_core.validation.verdicts import FormatReport, build_format_verdict

FORMAT = ("format",)
CHECK_FORMAT = ("format", "--check")

NOT_PARSED = ("Failed to parse", "invalid-syntax")
"""What ruff says of a file in which it finds no statements: as it formats, and as it checks."""

NO_CONFIGURATION = "no ruff configuration"


@dataclass(slots=True)
class Formatter:
    """Formats files by their rules.

    A new file is formatted whole, and one that was formatted before: whatever is to be changed
    there, the change brought. Of any other file the changed lines are formatted, unless that cannot
    be done without touching others.
    """

    ruff: Ruff
    files: Sequence[PythonFile]
    config: ValidationConfig
    _was_formatted: dict[str, bool] = field(default_factory=dict)
    _duration_ms: float = 0.0

    def mend(self) -> None:
        """Format what the change brought."""
        files = self._list_due()
        new = [file for file in files if file.base is None]
        for options, paths in group_paths(new, lambda file: file.rules.base_options).items():
            self._run((*FORMAT, *options), paths)
        for file in self._list_unformatted([file for file in files if file.base is not None]):
            if self._stood_formatted(file):
                self._run((*FORMAT, *file.rules.base_options), [file.path])
            else:
                self._format_changes(file)

    def _format_changes(self, file: PythonFile) -> None:
        """Format changed lines from the last to the first, so that the rows above stay."""
        base, text = file.base or "", file.read()
        bound = len(text)
        while True:
            comparison = compare(base, text)
            rows = [rows for rows in comparison.changed if rows and rows.start < bound]
            if not rows:
                return
            bound = rows[-1].start
            part = f"--range={bound}-{rows[-1].stop}"
            # Where ruff cannot format a part, the part stays as it is: there are bugs in that.
            self.ruff.run((*FORMAT, part, *file.rules.base_options), [file.path])
            formatted = file.read()
            if comparison.kept - compare(base, formatted).kept:
                file.write(text)
            else:
                text = formatted

    def judge(self) -> ValidationResult:
        """Judge how the change is formatted."""
        unformatted, outputs, left = self._list_unformatted(self._list_due()), [], 0
        for file in unformatted:
            if file.base is None or self._stood_formatted(file):
                outputs.append(self._check(file).output)
            else:
                left += 1
        due = self._list_due()
        report = FormatReport(
            outputs=outputs,
            left=left,
            sources=tuple(dict.fromkeys(file.source for file in due)),
            reasons=tuple(dict.fromkeys(_explain(file) for file in self.files if file not in due)),
            duration_ms=self._duration_ms,
        )
        return build_format_verdict(report)

    def _list_due(self) -> list[PythonFile]:
        wish = self.config.run_ruff_format
        return [file for file in self.files if file.rules.formats(wish)]

    def _list_unformatted(self, files: Sequence[PythonFile]) -> list[PythonFile]:
        suspects = []
        for options, paths in group_paths(files, lambda file: file.rules.base_options).items():
            if self._run((*CHECK_FORMAT, *options), paths).returncode != 0:
                suspects += [file for file in files if file.path in paths]
        return [file for file in suspects if self._check(file).returncode != 0]

    def _check(self, file: PythonFile) -> CommandResult:
        return self._run((*CHECK_FORMAT, *file.rules.base_options), [file.path])

    def _stood_formatted(self, file: PythonFile) -> bool:
        """Return whether a file was formatted before it was changed."""
        if file.path not in self._was_formatted:
            args = (*CHECK_FORMAT, *file.rules.base_options)
            done = self._accept(self.ruff.run_on_text(args, file.path, (file.base or "").encode()))
            self._was_formatted[file.path] = done.returncode == 0
        return self._was_formatted[file.path]

    def _run(self, args: Sequence[str], paths: Sequence[str]) -> CommandResult:
        return self._accept(self.ruff.run(args, paths))

    def _accept(self, done: CommandResult) -> CommandResult:
        """Pass on how a command ended unless it passed no judgement."""
        self._duration_ms += done.duration_ms
        judged = done.returncode in OWN_ENDS or any(word in done.output for word in NOT_PARSED)
        if not judged:
            raise RuffRefused(done)
        return done


def _explain(file: PythonFile) -> str:
    """Say why a file is not formatted."""
    formatter = file.rules.formatter
    return NO_CONFIGURATION if formatter is None else f"{formatter} is configured"
