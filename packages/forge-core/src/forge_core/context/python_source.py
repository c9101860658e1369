"""What a Python module imports and declares, read from its source without running it.

See D53.
"""

import ast
import gc
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from forge_core.context.outline import render_outline

PARSE_LIMIT_BYTES = 500_000
"""Source up to which a module is parsed; its syntax tree takes some hundred times as much."""

PARSE_LIMIT_LINES = 10_000
"""Lines from which on a module is taken for generated and not parsed."""

PARSE_LIMIT_FIELDS = 1_000_000_000
"""Bytes of f-strings times their opening braces, summed, up to which a module is parsed.

Python 3.11 looks for each field from the start of its literal, with the interpreter's lock held: up
to 0.3 s at this limit, 43 s for one literal of 450 kB. Later versions take a quarter of that; the
limit is theirs too, so that a context does not depend on the interpreter.
"""

_F_STRING = re.compile(
    rb"""\b(?:f|fr|rf)(?:
        \"{3}(?P<a>(?:[^"\\]++|\\.|"(?!""))*+) | '{3}(?P<b>(?:[^'\\]++|\\.|'(?!''))*+)
        | "(?P<c>(?:[^"\\\n]++|\\.)*+) | '(?P<d>(?:[^'\\\n]++|\\.)*+)
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
"""The text of an f-string, to the end of its literal."""

SOURCE_NAME = "<forge context>"
"""File name under which sources are parsed, so that warnings about them can be told apart."""

FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing raises: broken syntax, null bytes and encodings, too deep or too large a tree."""

_IMPORTS = (ast.Import, ast.ImportFrom)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WITHOUT_STATEMENTS = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


class Import(NamedTuple):
    """One imported module, or the names imported from it."""

    level: int
    """Dots before the module's name; 0 for an absolute import."""
    module: str
    names: tuple[str, ...] = ()
    """Names imported from it; empty for a plain ``import``."""
    aliases: tuple[str, ...] = ()
    """What the names are bound as, in the same order."""


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """What was read of one module."""

    imports: tuple[Import, ...] = ()
    """Each module once, in the order of the text, from functions and conditions too."""
    outline: str = ""
    """Its declarations without their bodies."""
    fault: str | None = None
    """Why nothing could be read; None for a sound module."""


def read_module(source: bytes) -> ModuleSource:
    """Read a module's imports and declarations; one that cannot be parsed says why."""
    fault = _find_excess(source)
    if fault is not None:
        return ModuleSource(fault=fault)
    # Idempotent and never undone, since threads share the filters: a module's own warnings
    # (invalid escapes) must neither be printed nor become errors.
    warnings.filterwarnings("ignore", module=SOURCE_NAME)
    try:
        with _collector_paused():
            return _read_tree(ast.parse(source, SOURCE_NAME), source)
    except FAULTS as error:
        return ModuleSource(fault=_describe(error))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from visiting a syntax tree while it grows.

    A tree has no cycles, and visiting it costs more than all that is read from it: without the
    pause `benchmarks/context.py` misses its limit. Whatever order threads come and go in, the
    collector ends as the first of them found it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_tree(tree: ast.Module, source: bytes) -> ModuleSource:
    outline = render_outline(tree).encode("utf-8", "backslashreplace").decode()
    return ModuleSource(merge_imports(_read_imports(tree, source)), outline)


def merge_imports(imports: Iterable[Import]) -> tuple[Import, ...]:
    """Merge the imports from the same module, in the order of the first."""
    merged: dict[tuple[int, str, bool], Import] = {}
    for item in imports:
        key = (item.level, item.module, bool(item.names))
        earlier = merged.get(key)
        if earlier is not None:
            item = Import(*key[:2], earlier.names + item.names, earlier.aliases + item.aliases)  # noqa: PLW2901
        merged[key] = item
    return tuple(merged.values())


def _find_excess(source: bytes) -> str | None:
    if len(source) > PARSE_LIMIT_BYTES:
        return f"not parsed: larger than {PARSE_LIMIT_BYTES // 1000} kB"
    if source.count(b"\n") >= PARSE_LIMIT_LINES:
        return f"not parsed: {PARSE_LIMIT_LINES} lines or more"
    if len(source) * source.count(b"{") > PARSE_LIMIT_FIELDS < _weigh_f_strings(source):
        return "not parsed: f-strings with too many fields"
    return None


def _weigh_f_strings(source: bytes) -> int:
    """Estimate what a module's f-strings cost to parse: bytes times braces, one by one."""
    texts = (match[match.lastgroup or 0] for match in _F_STRING.finditer(source))
    return sum(len(text) * text.count(b"{") for text in texts)


def _describe(error: BaseException) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "not parsed: nested too deeply"
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"not parsed: {message[:200]}{line}"


def _read_imports(tree: ast.Module, source: bytes) -> Iterator[Import]:
    """Visit the statements that can hold an import, in the order of the text.

    Functions and classes are entered only where the word stands in their lines: that spares most
    of a tree, which is slow to walk.
    """
    lines = _find_import_lines(source)
    pending: list[ast.AST] = tree.body[::-1]  # type: ignore[assignment]
    while pending:
        node = pending.pop()
        if isinstance(node, _IMPORTS):
            yield from _convert(node)
        elif isinstance(node, _SCOPES):
            if _has_line(lines, node.lineno, node.end_lineno or node.lineno):
                pending += node.body[::-1]
        elif not isinstance(node, _WITHOUT_STATEMENTS):
            for block in reversed(_BLOCKS):
                pending += (getattr(node, block, None) or [])[::-1]


def _convert(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(0, alias.name)
    else:
        names = tuple(alias.name for alias in node.names)
        aliases = tuple(alias.asname or alias.name for alias in node.names)
        yield Import(node.level, node.module or "", names, aliases)


def _find_import_lines(source: bytes) -> list[int]:
    """List the lines, from 1, in which the word stands, in code or elsewhere."""
    text = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in source else source
    lines = []
    line, seen = 1, 0
    position = text.find(b"import")
    while position >= 0:
        line += text.count(b"\n", seen, position)
        seen = position
        lines.append(line)
        position = text.find(b"import", position + 1)
    return lines


def _has_line(lines: Sequence[int], first: int, last: int) -> bool:
    index = bisect_left(lines, first)
    return index < len(lines) and lines[index] <= last
