"""Applying a linter's fixes as far as they undo nothing that stood before; pure.

Somebody else may import a name that the file itself does not use, so that what a linter calls
unused may be needed. A fix is made only if every line of the old text that the change kept still
stands afterwards, and every name that it kept is still bound.
"""

import ast
from collections.abc import Sequence

from forge_core.validation.comparison import compare, split_lines
from forge_core.validation.findings import Finding, TextEdit

BYTE_ORDER_MARK = "\ufeff"

SORT_IMPORTS = "I001"
"""The rule that comes last: what it sorts, others may remove."""

Span = tuple[int, int, str]
"""Where a part of a text begins and ends, and what is to stand there."""


def apply_fixes(text: str, base: str | None, findings: Sequence[Finding]) -> str:
    """Return a text with the fixes of findings that undo nothing of the old text.

    Args:
        text: As it stands.
        base: What stood before; None for a new file, in which everything may be fixed.
        findings: In the text.
    """
    accepted: list[Span] = []
    for finding in sorted(findings, key=lambda finding: finding.code == SORT_IMPORTS):
        fix = _locate(text, finding.fix)
        if not fix or any(_overlaps(span, other) for span in fix for other in accepted):
            continue
        if base is None or _is_harmless(base, text, _replace(text, fix)):
            accepted += fix
    return _replace(text, accepted)


def _is_harmless(base: str, text: str, fixed: str) -> bool:
    if compare(base, text).kept - compare(base, fixed).kept:
        return False
    names = [_list_names(source) for source in (base, text, fixed)]
    old, current, left = names
    return old is not None and current is not None and left is not None and old & current <= left


def _list_names(text: str) -> frozenset[str] | None:
    """List what a module binds anywhere; None where Python cannot parse it."""
    try:
        tree = ast.parse(text.removeprefix(BYTE_ORDER_MARK))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return frozenset(name for node in ast.walk(tree) for name in _list_bound(node))


def _list_bound(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.alias():
            return (node.asname or node.name,)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case ast.Name(ctx=ast.Store()):
            return (node.id,)
    return ()


def _locate(text: str, fix: Sequence[TextEdit]) -> list[Span]:
    """Return the offsets of a fix; none where it is not one of this text."""
    lines = split_lines(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spans: list[Span] = []
    for edit in fix:
        start, end = (_find_offset(text, starts, place) for place in (edit.start, edit.end))
        if start is None or end is None or end < start:
            return []
        spans.append((start, end, edit.content))
    return spans


def _find_offset(text: str, starts: Sequence[int], place: tuple[int, int]) -> int | None:
    row, column = place
    if not (0 < row <= len(starts) and column > 0):
        return None
    mark = len(BYTE_ORDER_MARK) if row == 1 and text.startswith(BYTE_ORDER_MARK) else 0
    offset = starts[row - 1] + mark + column - 1
    return offset if offset <= len(text) else None


def _overlaps(one: Span, other: Span) -> bool:
    """Return whether two parts touch: what two fixes do to one place is not known."""
    return one[0] <= other[1] and other[0] <= one[1]


def _replace(text: str, spans: Sequence[Span]) -> str:
    for start, end, content in sorted(spans, reverse=True):
        text = text[:start] + content + text[end:]
    return text
