"""Findings of a linter, and which of them a change brought; pure."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from forge_core.validation.comparison import compare, split_lines

SYNTAX = "syntax"
"""What stands for a rule where a file cannot be parsed."""

SYNTAX_CODES = frozenset({None, "E999", "invalid-syntax"})
"""What versions of ruff call that."""


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A part of a text and what is to stand there; rows and columns count from 1."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a linter says of one place."""

    path: str
    """Relative to the worktree."""
    row: int
    column: int
    code: str
    message: str
    fix: tuple[TextEdit, ...] = ()
    """How the linter would mend it without changing what the code does; empty if it cannot."""

    def render(self) -> str:
        """Return place, rule and message in one line."""
        return f"{self.path}:{self.row}:{self.column} {self.code} {self.message}"


def parse_findings(output: str, root: PurePath) -> list[Finding]:
    """Parse the JSON lines of ``ruff check``, of which some may be warnings or cut short."""
    documents = (_parse_line(line) for line in output.splitlines() if line.startswith("{"))
    return [_read_finding(document, root) for document in documents if document]


def find_new(
    findings: Sequence[Finding], text: str, base_findings: Sequence[Finding], base: str
) -> list[Finding]:
    """Return the findings in a text that the text before it does not have.

    They are compared by rule and line, not by the line's number; of equal ones, those on lines that
    the change left alone are the old ones. A finding whose line was changed is an old one if the
    linter says the same of a line that is gone. Where the old text could not be parsed, nothing
    else is known of it: only what stands on changed lines is new, and what keeps the new text from
    being parsed for another reason.
    """
    comparison = compare(base, text)
    ordered = sorted(findings, key=lambda finding: comparison.touches(finding.row))
    reasons = {finding.message for finding in base_findings if finding.code == SYNTAX}
    if reasons:
        return [
            finding
            for finding in findings
            if comparison.touches(finding.row)
            or (finding.code == SYNTAX and finding.message not in reasons)
        ]
    lines, base_lines = split_lines(text), split_lines(base)
    old = Counter((finding.code, _read_line(base_lines, finding)) for finding in base_findings)
    said = Counter((finding.code, finding.message) for finding in base_findings)
    others = []
    for finding in ordered:
        key = finding.code, _read_line(lines, finding)
        if old[key] > 0:
            old[key] -= 1
            said[finding.code, finding.message] -= 1
        else:
            others.append(finding)
    return sorted(_drop_repeated(others, said), key=lambda finding: (finding.row, finding.column))


def _drop_repeated(
    findings: Sequence[Finding], said: Counter[tuple[str, str]]
) -> Iterator[Finding]:
    for finding in findings:
        key = finding.code, finding.message
        if said[key] > 0:
            said[key] -= 1
        else:
            yield finding


def _read_line(lines: Sequence[str], finding: Finding) -> str:
    """Return the line of a finding without its blanks, which a change of nesting touches."""
    return "".join(lines[finding.row - 1].split()) if 0 < finding.row <= len(lines) else ""


def _parse_line(line: str) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _read_finding(document: dict[str, Any], root: PurePath) -> Finding:
    path = PurePath(str(document.get("filename")))
    row, column = _read_place(document.get("location"))
    code = document.get("code")
    return Finding(
        path=str(path.relative_to(root) if path.is_relative_to(root) else path),
        row=row,
        column=column,
        code=SYNTAX if code in SYNTAX_CODES else str(code),
        message=str(document.get("message")),
        fix=tuple(_read_fix(document.get("fix"))),
    )


def _read_fix(fix: Any) -> Iterator[TextEdit]:  # noqa: ANN401 - of a document
    if not isinstance(fix, dict) or fix.get("applicability") != "safe":
        return
    for edit in fix.get("edits") or ():
        yield TextEdit(
            _read_place(edit.get("location")),
            _read_place(edit.get("end_location")),
            str(edit.get("content") or ""),
        )


def _read_place(place: Any) -> tuple[int, int]:  # noqa: ANN401 - of a document
    place = place if isinstance(place, dict) else {}
    return int(place.get("row") or 0), int(place.get("column") or 0)
