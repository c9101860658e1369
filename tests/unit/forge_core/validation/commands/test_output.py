"""What a command says of a change is told from what it says of the base."""

import pytest
from forge_core.validation.commands.output import list_new_lines

RUSTC = """
error: unneeded `return` statement
 --> src/lib.rs:{row}:5
  |
{row} |     {source}
  |     ^^^^^^^^^^^
help: remove `return`
  |
{row} -     {source}
{row} +     x
"""


@pytest.mark.parametrize(
    ("output", "before"),
    [
        pytest.param("a.js:12:5 no-undef", "a.js:3:5 no-undef", id="line numbers"),
        pytest.param("  12:5  error  x  no-undef", "  3:5  error  x  no-undef", id="eslint"),
        pytest.param("src/a.ts(12,5): error TS2304: x", "src/a.ts(3,5): error TS2304: x", id="tsc"),
        pytest.param("done in 1.53s", "done in 0.7s", id="time"),
        pytest.param("took 15 ms", "took 7 ms", id="milliseconds"),
        pytest.param("\x1b[31merror\x1b[0m x", "error x", id="colour"),
        pytest.param("b\na", "a\nb", id="order"),
        pytest.param("a", "a\nb", id="one is gone"),
        pytest.param("\n\n  \n", "", id="blank"),
        pytest.param(
            RUSTC.format(row=12, source="return b;"),
            RUSTC.format(row=2, source="return a;"),
            id="source around it",
        ),
    ],
)
def test_the_same_finding_is_not_new(output: str, before: str) -> None:
    assert list_new_lines(output, before) == []


@pytest.mark.parametrize(
    ("output", "before", "new"),
    [
        pytest.param("a\nb", "a", ["b"], id="another"),
        pytest.param("a.js:1 x\na.js:2 x", "a.js:1 x", ["a.js:2 x"], id="a second one"),
        pytest.param("x E501", "x E502", ["x E501"], id="another code"),
        pytest.param("3 errors", "2 errors", ["3 errors"], id="more of them"),
        pytest.param(" 12 | ERROR | x", " 12 | ERROR | y", [" 12 | ERROR | x"], id="table"),
        pytest.param("\x1b[31mx\x1b[0m", "", ["x"], id="uncoloured"),
    ],
)
def test_what_was_not_said_before_is_new(output: str, before: str, new: list[str]) -> None:
    assert list_new_lines(output, before) == new
