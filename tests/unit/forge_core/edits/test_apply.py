"""An edit is applied at its one place or not at all, and touches no byte beside it."""

from collections.abc import Sequence
from typing import Any

import pytest
from forge_core.edits.apply import apply_edits
from forge_core.edits.lines import split_text
from forge_core.edits.refusal import EditsRefused
from forge_core.models.call.llm import FileEdit
from hypothesis import given
from hypothesis import strategies as st

MODULE = '''\
"""Stock of a pantry."""


class Stock:
    """What there is."""

    def take(self, name):
        # Never below zero.
        count = self.counts[name]
        self.counts[name] = count - 1
        return "taken"

    def count(self, name):
        return self.counts[name]
'''


def edit(search: str, replace: str, **more: Any) -> FileEdit:
    return FileEdit(file_path="stock.py", search=search, replace=replace, **more)


def refuse(text: str, *edits: FileEdit, shown: Sequence[range] | None = None) -> list[str]:
    with pytest.raises(EditsRefused) as refused:
        apply_edits(text, edits, shown)
    return [refusal.code for refusal in refused.value.refusals]


HEAD = '    """What there is."""\n\n    def take(self, name):\n'

RUNGS = {
    "exact": (
        "        count = self.counts[name]\n",
        "        count = self.counts.pop(name)\n",
        "        count = self.counts.pop(name)\n",
    ),
    "trailing": (
        "        count = self.counts[name]  \n        self.counts[name] = count - 1\n",
        "        count = self.counts.pop(name)  \n        self.counts[name] = count - 1\n",
        "        count = self.counts.pop(name)\n",
    ),
    "blank": (
        '        return "taken"\n    def count(self, name):\n',
        '        return "gone"\n    def count(self, name):\n',
        '        return "gone"\n',
    ),
    "indent": (
        "count = self.counts[name]\nself.counts[name] = count - 1\n",
        "count = self.counts[name]\nif count:\n    self.counts[name] = count - 1\n",
        "        if count:\n            self.counts[name] = count - 1\n",
    ),
    "quotes": (
        "        self.counts[name] = count \u2212 1\n        return \u201ctaken\u201d\n",
        "        self.counts[name] = count \u2212 1\n        return \u201cgone\u201d\n",
        '        self.counts[name] = count - 1\n        return "gone"\n',
    ),
    "comment": (
        HEAD + "        count = self.counts[name]\n",
        HEAD.replace("What", "All") + "        count = self.counts[name]\n",
        '    """All there is."""\n',
    ),
    "every": ("name", "item", "    def count(self, item):\n        return self.counts[item]\n"),
}


@pytest.mark.parametrize(("rung", "case"), RUNGS.items(), ids=RUNGS.keys())
def test_each_rung_finds_the_place_and_names_itself(rung: str, case: tuple[str, str, str]) -> None:
    search, replace, written = case

    done = apply_edits(MODULE, [edit(search, replace, every=rung == "every")])

    assert done.rungs == {rung: 1}
    assert written in done.text
    assert len(done.text.split("\n")) - len(MODULE.split("\n")) == (rung == "indent")


@pytest.mark.parametrize("rung", [rung for rung in RUNGS if rung != "every"])
def test_place_that_is_there_twice_is_refused_on_each_rung(rung: str) -> None:
    search, replace, _ = RUNGS[rung]
    twice = MODULE + "\n\n" + MODULE.replace("class Stock", "class Other")

    assert refuse(twice, edit(search, replace)) == ["ambiguous"]


def test_context_keeps_the_bytes_of_the_file_where_the_search_slips() -> None:
    text = "if x:\n\tsay('a')  \n\tsay('b')\n\n\n\tsay('c')\n"
    said = edit(
        "    say(\u2018a\u2019)\n    say('b')\n\n    say('c')\n",
        "    say(\u2018a\u2019)\n    tell('b')\n\n    say('c')\n",
    )

    done = apply_edits(text, [said])

    assert done.text == "if x:\n\tsay('a')  \n\ttell('b')\n\n\n\tsay('c')\n"


def test_exact_match_with_a_look_alike_elsewhere_is_refused() -> None:
    text = "def f():\n    return one\n\n\ndef g():\n        return one\n"

    assert refuse(text, edit("    return one\n", "    return two\n")) == ["ambiguous"]


def test_search_of_one_line_is_found_by_an_exact_match_only() -> None:
    assert refuse("    return one\n", edit("return one\n", "return two\n")) == ["weak"]


def test_first_line_may_lack_its_indentation() -> None:
    done = apply_edits(
        MODULE,
        [
            edit(
                "count = self.counts[name]\n        self.counts[name] = count - 1\n",
                "count = self.counts.get(name)\n        self.counts[name] = count - 1\n",
            )
        ],
    )

    assert "\n        count = self.counts.get(name)\n        self.counts[name] = " in done.text


def test_two_blanks_for_four_are_refused_where_they_may_be_a_level_or_a_shift() -> None:
    text = "class A:\n    def f(self):\n        go(one)\n        go(two)\n"
    same = edit("    go(one)\n    go(two)\n", "    go(one)\n    go(three)\n")
    deeper = edit("    go(one)\n    go(two)\n", "    go(one)\n    if x:\n        go(two)\n")

    assert apply_edits(text, [same]).text.endswith("        go(one)\n        go(three)\n")
    assert refuse(text, deeper) == ["indentation"]


def test_tabs_said_as_blanks_are_written_as_tabs() -> None:
    text = "a {\n\tblock {\n\t\tcall();\n\t}\n}\n"
    said = edit(
        "    block {\n        call();\n", "    block {\n        if (c) {\n            call();\n"
    )

    assert apply_edits(text, [said]).text == "a {\n\tblock {\n\t\tif (c) {\n\t\t\tcall();\n\t}\n}\n"


def test_typographic_sign_of_the_file_is_not_replaced_by_a_plain_one() -> None:
    text = "say(\u201cone\u201d)\nsay(two, three)\n"

    assert refuse(text, edit('say("one")\nsay(two, three)\n', 'say("1")\nsay(two)\n')) == ["signs"]


def test_comment_left_out_beside_what_changes_is_refused() -> None:
    said = edit(
        "    def take(self, name):\n        count = self.counts[name]\n",
        "    def take(self, name):\n        check(name)\n        count = self.counts[name]\n",
    )

    assert refuse(MODULE, said) == ["comment"]


def test_same_comment_twice_does_not_say_where_a_line_belongs() -> None:
    text = "one()\n# note\n# note\ntwo()\n"

    assert refuse(text, edit("one()\n# note\n", "one()\n# note\nthree()\n")) == ["ambiguous"]


ENDINGS = {
    "crlf": ("a\r\nb\r\nc\r\n", "a\r\nx\r\ny\r\nc\r\n"),
    "mixed endings": ("a\nb\r\nc\n", "a\nx\r\ny\r\nc\n"),
    "byte order mark": ("\ufeffb\nc\n", "\ufeffx\ny\nc\n"),
    "form feed": ("a\n\x0c\nb\nc\x0cd\n", "a\n\x0c\nx\ny\nc\x0cd\n"),
    "lone carriage return": ("a\rz\nb\n\rc\r", "a\rz\nx\ny\n\rc\r"),
    "line separator": ("a\u2028z\nb\n", "a\u2028z\nx\ny\n"),
    "no final newline": ("a\nb", "a\nx\ny"),
    "no final newline in crlf": ("a\r\nb", "a\r\nx\r\ny"),
    "one line": ("b", "x\ny"),
}


@pytest.mark.parametrize(("text", "meant"), ENDINGS.values(), ids=ENDINGS.keys())
def test_line_endings_and_odd_characters_stay(text: str, meant: str) -> None:
    assert apply_edits(text, [edit("b\n", "x\ny\n")]).text == meant


def test_line_after_a_last_one_without_newline_leaves_the_new_last_one_without() -> None:
    assert apply_edits("a\r\nb", [edit("b", "b\nc")]).text == "a\r\nb\r\nc"


def test_last_line_may_go() -> None:
    assert apply_edits("a\nb", [edit("b", "")]).text == "a"
    assert apply_edits("a\n", [edit("a", "")]).text == ""


def test_nothing_is_found_in_an_empty_file() -> None:
    assert refuse("", edit("a\n", "b\n")) == ["absent"]


@given(st.text(st.sampled_from("ab \r\n\x0c\u2028\ufeff"), max_size=30))
def test_text_taken_apart_is_the_same_put_together(text: str) -> None:
    source = split_text(text)

    lines = zip(source.lines, source.ends, strict=True)
    assert source.mark + "".join(line + end for line, end in lines) == text
    assert apply_edits(text, []).text == text


def test_order_of_edits_does_not_matter() -> None:
    edits = [
        edit("a\n", "a\nx\n"),
        edit("b\n", "y\nb\n"),
        edit("c\nd\n", "c\n"),
    ]

    for order in (edits, edits[::-1], [edits[1], edits[2], edits[0]]):
        assert apply_edits("a\nb\nc\nd\n", order).text == "a\nx\ny\nb\nc\n"


def test_edit_is_located_in_the_original_not_in_what_another_wrote() -> None:
    done = apply_edits("a\nb\n", [edit("a\n", "b\n"), edit("b\n", "c\n")])

    assert done.text == "b\nc\n"


def test_what_is_said_twice_is_meant_once() -> None:
    assert apply_edits("a\nb\n", [edit("a\n", "a\nx\n")] * 2).text == "a\nx\nb\n"


def test_search_equal_to_its_replacement_changes_nothing() -> None:
    done = apply_edits("a\nb\n", [edit("a\n", "a"), edit("zz\n", "zz\n")])

    assert (done.text, done.rungs) == ("a\nb\n", {})


OVERLAPS = {
    "same line": (edit("a\nb\n", "a\nx\n"), edit("b\nc\n", "y\nc\n")),
    "inside": (edit("a\nb\nc\n", "z\n"), edit("b\n", "b\nx\n")),
    "same point": (edit("a\nb\n", "a\nx\nb\n"), edit("a\n", "a\ny\n")),
    "every": (edit("b", "x", every=True), edit("b\n", "")),
}


@pytest.mark.parametrize("edits", OVERLAPS.values(), ids=OVERLAPS.keys())
def test_edits_of_the_same_lines_are_refused(edits: tuple[FileEdit, FileEdit]) -> None:
    assert refuse("a\nb\nc\n", *edits) == ["overlap"]


def test_contexts_may_overlap() -> None:
    edits = [edit("a\nb\n", "x\nb\n"), edit("b\nc\n", "b\ny\n")]

    assert apply_edits("a\nb\nc\n", edits).text == "x\nb\ny\n"


def test_every_leaves_longer_words_alone() -> None:
    text = "name names rename name_ name\r\nname.name\n"

    done = apply_edits(text, [edit("name", "title", every=True)])

    assert done.text == "title names rename name_ title\r\ntitle.title\n"
    assert (done.lines_added, done.lines_removed) == (2, 2)


def test_every_takes_nothing_in_its_replacement_for_a_reference() -> None:
    assert apply_edits("a.b\n", [edit("a.b", r"\1\g<0>$1", every=True)]).text == "\\1\\g<0>$1\n"


def test_every_replaces_texts_of_several_lines_that_share_one() -> None:
    done = apply_edits("x\na\nb a\nb\ny", [edit("a\nb", "c", every=True)])

    assert done.text == "x\nc c\ny"


def test_every_is_refused_where_places_overlap() -> None:
    assert refuse("--- ---- -\n", edit("---", "-", every=True)) == ["ambiguous"]


def test_newline_that_ends_both_is_no_part_of_a_word() -> None:
    assert apply_edits("say(name)\n", [edit("name\n", "title\n", every=True)]).text == (
        "say(title)\n"
    )


@pytest.mark.parametrize(
    ("search", "code"),
    [("", "empty"), ("\n \n", "empty"), ("counts[name]", "partial"), ("no such line", "absent")],
)
def test_search_that_has_no_place_is_refused(search: str, code: str) -> None:
    assert refuse(MODULE, edit(search, "x")) == [code]


def test_one_refused_edit_refuses_them_all_and_each_is_told() -> None:
    edits = (edit("a\n", "x\n"), edit("q\n", "r\n"), edit("b\n", "y\n"), edit("", "z"))

    assert refuse("a\nb\n", *edits) == ["absent", "empty"]


def test_lines_that_were_not_shown_are_not_changed() -> None:
    text = "".join(f"line {number}\n" for number in range(20))
    shown = [range(5), range(5, 8), range(15, 20)]

    assert apply_edits(text, [edit("line 4\nline 5\n", "x\n")], shown).lines_added == 1
    assert refuse(text, edit("line 9\n", "x\n"), shown=shown) == ["unseen"]
    assert refuse(text, edit("line 7\nline 8\n", "line 7\nx\n"), shown=shown) == ["unseen"]
    assert refuse(text, edit("line", "row", every=True), shown=shown) == ["unseen"]
