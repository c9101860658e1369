"""What a model is told of an edit that does not fit says enough to mend it."""

from pathlib import Path

import pytest
from forge_core.edits.apply import apply_edits
from forge_core.edits.feedback import explain_refusals, quote_lines
from forge_core.edits.refusal import EditsRefused
from forge_core.models.call.llm import FileEdit

TEXT = '''\
"""Stock of a pantry."""

import bisect


class Stock:
    """What there is."""

    def take(self, name):
        # Never below zero.
        count = self.counts[name]
        return count

    def count(self, name):
        return self.counts[name]

    def peek(self, name):
        return self.counts[name]
'''


def tell(*edits: FileEdit, text: str = TEXT, shown: tuple[range, ...] | None = None) -> str:
    """Return what is told of edits, which stand in the answer behind four others."""
    with pytest.raises(EditsRefused) as refused:
        apply_edits(text, edits, shown)
    numbered = list(enumerate(edits, start=4))
    return "\n\n".join(explain_refusals("stock.py", text, numbered, refused.value.refusals))


def edit(search: str, replace: str = "pass\n", *, every: bool = False) -> FileEdit:
    return FileEdit(file_path="stock.py", search=search, replace=replace, every=every)


CASES = {
    "a line differs": [
        edit("    def take(self, name, amount):\n        # Never below zero.\n        count = 1\n")
    ],
    "twice": [edit("        return self.counts[name]\n")],
    "done already": [edit("import os\n", "import bisect\n\n\nclass Stock:\n")],
    "dots": [edit("    def take(self, name):\n        ...\n        return count\n")],
    "line number": [edit("9: def take(self, name):")],
    "part of a line, and nothing": [edit("count"), edit("", "x")],
    "too short": [edit("count = self.counts[name]\n")],
    "other quotes": [edit("class Stock:\n    '''What there is.'''\n")],
    "comment left out": [edit("    def take(self, name):\n        count = self.counts[name]\n")],
    "uneven indentation": [edit('  class Stock:\n    """What there is."""\n')],
    "same lines": [edit("import bisect\n\n"), edit("import bisect\n", "import os\n")],
    "entities": [edit("if count &lt; 3:")],
    "escaped newlines": [edit("class Stock:\\n    pass")],
    "every, not there": [edit("cupboard", "pantry", every=True)],
}

GOLDEN = Path(__file__).with_name("feedback.txt")


def test_texts_are_those_that_were_read_and_found_good() -> None:
    told = [f"=== {name}\n{tell(*edits)}\n" for name, edits in CASES.items()]

    assert "\n".join(told) == GOLDEN.read_text(encoding="utf-8")


def test_lines_that_were_not_shown_are_quoted() -> None:
    told = tell(edit("import bisect\n"), shown=(range(5, 9),))

    assert told.startswith(
        "edits[4] (stock.py): it changes lines that you were not shown.\nLine 3,"
    )
    assert "\nimport bisect\n" in told


def test_edit_of_an_empty_file_is_told_to_write_it() -> None:
    assert tell(edit("a\n"), text="").endswith(
        "The file is empty: answer with it as a whole, in files."
    )


def test_quotation_is_short_and_cannot_be_closed_by_what_it_quotes() -> None:
    lines = ["```", *map(str, range(20))]

    quoted = quote_lines(lines, range(-2, 30))

    assert quoted.startswith("````\n```\n0\n")
    assert quoted.endswith("\n10\n````\n(and 9 more)")
