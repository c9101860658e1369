"""Finding what an answer leaves out: placeholders that stand for code, and lost lines; pure.

A placeholder written to disk is the loss of what it stands for, so that one that could be meant is
refused and asked about: that costs a request, the other mistake costs somebody's work. A line that
the original has already, as documentation of this very habit may, stands for itself.
"""

import re
from collections import Counter
from pathlib import PurePosixPath

from forge_core.edits.lines import fold, split_text

WHAT = (
    r"(?:code|file|class|functions?|methods?|module|script|tests?|imports?|implementations?"
    r"|contents?|body|logic|definitions?|section|component|handlers?|routes?|helpers?|fields?"
    r"|cases?|entries|lines|document|text|page|everything)"
)
"""What a placeholder says that it stands for."""

KEPT = (
    r"(?:unchanged|untouched|unmodified|omitted|elided|the\ same|same\ as\ (?:before|original)"
    r"|as\ (?:before|is|it\ was|they\ were)|not\ shown|stays?|remains?|(?:goes\ )?here|follows?)"
)
"""What it says of that."""

REST = (
    r"(?:(?:keep\ )?(?:the\ |all\ |all\ of\ the\ |your\ )?"
    r"(?:rest|remainder|remaining|other|existing|previous|original|unchanged|same))"
)
"""Words for what was there before."""

ALL = r"(?:rest|remainder|everything\ else|all\ else)"

PHRASES = (
    rf"{REST}\ of\ (?:the\ |this\ |your\ |its\ )?(?:\w+\ ){{0,3}}?{WHAT}(?:\ .{{0,60}})?",
    rf"{REST}\ (?:\w+\ ){{0,3}}?{WHAT}\ (?:\w+\ ){{0,3}}?{KEPT}(?:\ .{{0,40}})?",
    rf"(?:the\ )?{ALL}\ (?:\w+\ ){{0,4}}?{KEPT}(?:\ .{{0,40}})?",
    rf"(?:keep\ )?(?:the\ )?(?:existing|unchanged)\ (?:\w+\ )?{WHAT}",
    rf"{WHAT}\ (?:is\ |are\ )?(?:unchanged|omitted|elided|not\ shown)(?:\ .{{0,40}})?",
    r"(?:unchanged|omitted|snip|snipped|elided)(?:\ for\ brevity)?",
    r"(?:exactly\ )?(?:the\ )?same\ as\ (?:before|the\ original)",
    r"(?:\w+\ ){0,5}(?:omitted|elided|left\ out|shortened|truncated)\ for\ brevity",
)
"""Texts of placeholders, without comment markers, brackets and dots around them."""

PHRASE = re.compile("|".join(f"(?:{phrase})" for phrase in PHRASES), re.IGNORECASE | re.VERBOSE)

BETWEEN_DOTS = re.compile(rf"(?:{REST}|{WHAT})(?:\ \w+){{0,5}}", re.IGNORECASE | re.VERBOSE)
"""Texts of placeholders that stand between dots or behind them."""

BEFORE_DOTS = re.compile(rf"{REST}(?:\ \w+){{1,5}}", re.IGNORECASE | re.VERBOSE)
"""Texts of placeholders that end in dots."""

HINT = re.compile(
    r"\.{3}|…|rest|remain|existing|previous|original|unchanged|omitted|elided|same|snip|brevity"
    r"|everything|all else|not shown",
    re.IGNORECASE,
)
"""What every placeholder has; most lines are done with after this."""

MARKER = r"(?:\#|//|/\*+|\*|<!--|--|;+|%|\{/\*|\{\#|\(\*|REM\b|'{3}|\"{3})"
"""What begins a comment in one language or another."""

PARTS = re.compile(
    rf"""
    (?P<marker>{MARKER})?
    (?P<before>[\s.…\[\](){{}}<>*/\#:!-]*)
    (?P<text>.*?)
    (?P<after>[\s.…\[\](){{}}<>*/\#:!'"-]*)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""A line: a comment's marker, then a text with brackets and dots around it."""

DOTS = re.compile(r"\.{3}|…")

BRACKETS = frozenset("[({<")

PYTHON = frozenset({".py", ".pyi"})

PROSE = frozenset({".md", ".markdown", ".rst", ".txt", ".adoc", ".yaml", ".yml"})
"""Suffixes of files in which a line of dots means something."""

MAX_LENGTH = 200
"""Characters of a line; a longer one is something else."""

PLAIN_WORDS = 4
"""Words from which a phrase counts though nothing marks it as a remark."""

MIN_LINES = 20
"""Lines of substance from which a file can lose most of itself."""

KEPT_SHARE = 0.5
"""Part of a file's lines that has to be left for it not to have lost most of itself."""


def find_placeholders(path: str, text: str, original: str | None) -> list[tuple[int, str]]:
    """Find lines that stand for code which the answer leaves out.

    Args:
        path: The file's; its suffix says what dots alone may mean.
        text: A whole file or a replacement.
        original: The file as it is; None for a new one, in which dots stand for no code yet.

    Returns:
        Rows, counted from 0, and their lines.
    """
    suspects = [
        (row, line)
        for row, line in enumerate(split_text(text).lines)
        if _is_placeholder(line, path, is_new=original is None)
    ]
    if not suspects:
        return []
    originals = Counter(split_text(original or "").keys)
    return [(row, line) for row, line in suspects if not originals[fold(line)]]


def loses_most(text: str, original: str) -> bool:
    """Return whether a whole file that replaces another is so short that most of it is gone.

    A rewrite, which may keep no line, is about as long and is let pass.
    """
    before = count_lines(original)
    return before >= MIN_LINES and count_lines(text) < KEPT_SHARE * before


def count_lines(text: str) -> int:
    """Return how many lines of a text are not blank."""
    return sum(map(bool, split_text(text).keys))


def _is_placeholder(line: str, path: str, *, is_new: bool) -> bool:
    parts = PARTS.fullmatch(line.strip()) if HINT.search(line) and len(line) < MAX_LENGTH else None
    if parts is None:
        return False
    text, marker = parts["text"], parts["marker"]
    before, after = (DOTS.search(parts[side]) is not None for side in ("before", "after"))
    if not text:
        return before and not is_new and _stands_for_code(line, path, marker)
    if (before and BETWEEN_DOTS.fullmatch(text)) or (after and BEFORE_DOTS.fullmatch(text)):
        return True
    is_remark = marker or before or after or BRACKETS.intersection(parts["before"])
    is_plain = len(text.split()) >= PLAIN_WORDS
    return bool(is_remark or is_plain) and PHRASE.fullmatch(text) is not None


def _stands_for_code(line: str, path: str, marker: str | None) -> bool:
    """Return whether a line of dots alone can be nothing else.

    In Python an indented one is a body, and in prose it is a pause.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in PROSE:
        return False
    if marker:
        return True
    is_bare = DOTS.fullmatch(line.strip()) is not None
    is_body = suffix in PYTHON and "…" not in line and line.startswith((" ", "\t"))
    return is_bare and not is_body
