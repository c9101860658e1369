"""Modules are read without running them, and none of them can stop the reading."""

import gc
import warnings

import pytest
from forge_core.context.python_source import (
    PARSE_LIMIT_BYTES,
    Import,
    ModuleSource,
    read_module,
)
from hypothesis import given
from hypothesis import strategies as st

IMPORTS = """\
import os.path, json as j
from . import sibling
from ..pkg.mod import (a as b,
    c)
from typing import *
if TYPE_CHECKING:
    import only_typed
try:
    import fast
except ImportError:
    import slow
else:
    import chosen
finally:
    import final
with suppress(ImportError): import inside_with
class A:
    from .base import Base
    def method(self):
        for _ in range(3):
            while True:
                import deep
match x:
    case 1:
        import matched
async def f():
    async with y:
        import in_async
text = "import not_this"
def g(): return "import nor_this"
"""


def test_imports_are_found_wherever_they_stand() -> None:
    found = read_module(IMPORTS.encode()).imports

    assert found[:5] == (
        Import(0, "os.path"),
        Import(0, "json"),
        Import(1, "", ("sibling",), ("sibling",)),
        Import(2, "pkg.mod", ("a", "c"), ("b", "c")),
        Import(0, "typing", ("*",), ("*",)),
    )
    assert [item.module for item in found[5:]] == [
        "only_typed",
        "fast",
        "slow",
        "chosen",
        "final",
        "inside_with",
        "base",
        "deep",
        "matched",
        "in_async",
    ]


def test_imports_from_one_module_are_one_entry() -> None:
    found = read_module(b"from a import b\nimport a\nfrom a import c as d\n").imports

    assert found == (Import(0, "a", ("b", "c"), ("b", "d")), Import(0, "a"))


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_line_endings_do_not_hide_an_import(newline: bytes) -> None:
    lines = [b"def f():", b"    x = 1", b"    y = 2", b"    import found"]

    assert read_module(newline.join(lines)).imports == (Import(0, "found"),)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        pytest.param(b"def broken(:\n", "not parsed: ", id="syntax"),
        pytest.param(b"x = '\xe9'\n", "not parsed: ", id="encoding"),
        pytest.param(b"# coding: none-such\n", "not parsed: ", id="unknown encoding"),
        pytest.param(b"x = 1\0\n", "not parsed: ", id="null byte"),
        pytest.param(b"(" * 50_000, "not parsed: ", id="parentheses"),
        pytest.param(b"x = " + b"-" * 90_000 + b"1\n", "not parsed: ", id="recursion bomb"),
        pytest.param(b"x = 1\n" * 10_000, "not parsed: 10000 lines or more", id="generated"),
        pytest.param(b"#" * (PARSE_LIMIT_BYTES + 1), "not parsed: larger than 500 kB", id="huge"),
    ],
)
def test_what_cannot_be_parsed_says_why(source: bytes, fault: str) -> None:
    found = read_module(source)

    assert found == ModuleSource(fault=found.fault)
    assert found.fault is not None
    assert found.fault.startswith(fault)
    assert "\n" not in found.fault


def test_deep_expression_is_parsed_as_far_as_the_interpreter_can() -> None:
    found = read_module(b"x" + b".y" * 90_000)

    assert found == ModuleSource(fault=found.fault)
    assert found.fault is None or found.fault.startswith("not parsed: ")


@pytest.mark.parametrize(
    "literal",
    [
        pytest.param(b'f"%s"', id="on one line"),
        pytest.param(b'F"""%s"""', id="triple"),
        pytest.param(b"rf'''%s'''", id="raw"),
        pytest.param(b'f"""\\"""%s"""', id="after an escaped end"),
        pytest.param(b"f\"{f'%s'}\"", id="nested"),
    ],
)
def test_f_string_that_holds_up_the_parser_is_not_parsed(literal: bytes) -> None:
    found = read_module(b"import a\nx = " + literal % (b"{a}" * 150_000) + b"\n")

    assert found == ModuleSource(fault="not parsed: f-strings with too many fields")


def test_many_small_f_strings_are_parsed() -> None:
    line = b'print(f"' + b"{a} " * 8 + b'")\n'

    found = read_module(b"import a\n" + line * 9_000)

    assert found == ModuleSource(imports=(Import(0, "a"),))


def test_declared_encoding_is_obeyed() -> None:
    found = read_module("# coding: latin-1\nNAME = 'é'\n".encode("latin-1"))

    assert found.outline == "NAME = 'é'"


def test_warnings_about_a_source_are_neither_printed_nor_raised() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_module(b'PATTERN = "\\d"\n')

    assert found.fault is None
    assert caught == []


def test_reading_leaves_the_garbage_collector_on() -> None:
    read_module(b"x = 1")
    read_module(b"def")

    assert gc.isenabled()


def test_lone_surrogate_does_not_get_into_an_outline() -> None:
    outline = read_module(b'def f(x=f"\\ud800"): "\\ud800"\n').outline

    assert outline.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(source: bytes) -> None:
    found = read_module(source)

    assert (found.fault is None) or found == ModuleSource(fault=found.fault)
