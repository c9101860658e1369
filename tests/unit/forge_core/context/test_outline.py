"""An outline shows a module's interface as a stub would, in the words of `ast.unparse`."""

import ast
from pathlib import Path

import pytest
import sqlalchemy
from forge_core.context.outline import render_outline, render_signature

MODULE = '''\
"""Parse dates.

Only ISO ones.
"""
import re
__all__ = ["Parser", "parse"]
__all__ += ["LIMIT"]
LIMIT: int = 10
TABLE = {
    "long": "value",
}
Date = tuple[int, int, int]
_hidden = 1

@dataclass(frozen=True)
class Parser(Base, metaclass=Meta):
    """Parses \\"dates\\"."""

    strict: bool = False
    _cache = None

    def __init__(self, strict=False): ...

    @property
    def name(self) -> str:
        "The name."
        return "x"

    async def parse(self, text: str, /, *rest: int, limit: int | None = None, **more) -> Date:
        def inner(): ...
        return inner

    def _private(self): ...

class Empty: pass

class _Private:
    def method(self): ...

if TYPE_CHECKING:
    def checked(): ...
else:
    try:
        async def tried(a, b=1, *, c): """Try."""
    except ImportError:
        pass

def _private(): ...
'''

OUTLINE = '''\
"""Parse dates."""
__all__ = ['Parser', 'parse']
__all__ += ['LIMIT']
LIMIT: int = 10
TABLE = ...
Date = tuple[int, int, int]
@dataclass(frozen=True)
class Parser(Base, metaclass=Meta):
    'Parses "dates".'
    strict: bool = False
    def __init__(self, strict=False): ...
    @property
    def name(self) -> str: """The name."""
    async def parse(self, text: str, /, *rest: int, limit: int | None=None, **more) -> Date: ...
class Empty:
    ...
def checked(): ...
async def tried(a, b=1, *, c): """Try."""'''


def test_outline_has_the_public_interface_without_bodies() -> None:
    assert render_outline(ast.parse(MODULE)) == OUTLINE


def test_outline_of_nothing_is_empty() -> None:
    assert render_outline(ast.parse("")) == ""


def test_long_docstring_is_cut_to_one_line() -> None:
    line = render_outline(ast.parse(f'"""{"x" * 300}"""'))

    assert len(line) == 106
    assert line.endswith('…"""')


@pytest.mark.skipif(not hasattr(ast, "TypeAlias"), reason="the syntax came with Python 3.12")
def test_type_parameters_and_aliases_are_shown() -> None:
    source = (
        "type Pair[T] = tuple[T, T]\ndef first[T: int](pair: Pair[T]) -> T: ...\nclass A[T]: ..."
    )

    assert render_outline(ast.parse(source)).split("\n")[:3] == [
        "type Pair[T] = tuple[T, T]",
        "def first[T: int](pair: Pair[T]) -> T: ...",
        "class A[T]:",
    ]


def test_signatures_are_those_of_unparse() -> None:
    root = Path(sqlalchemy.__file__).parent
    functions = [
        node
        for path in (root / "orm").glob("[aq]*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 200

    different = [node for node in functions if render_signature(node) != unparse_signature(node)]

    assert [node.name for node in different] == []


def unparse_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    node.decorator_list = []
    node.body = [ast.Pass()]
    return ast.unparse(node).removesuffix("\n    pass").removesuffix(":")
