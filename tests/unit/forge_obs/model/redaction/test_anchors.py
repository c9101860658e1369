"""A pattern is tried where words begin, whatever letters stand before."""

import re
import sys

from forge_obs.model.redaction.anchors import fold, replace_at


def test_each_letter_in_small_stays_in_its_place() -> None:
    letters = "".join(map(chr, range(sys.maxunicode + 1)))

    assert len(fold(letters)) == len(letters)


def test_what_begins_with_a_word_is_replaced_and_nothing_else() -> None:
    text = "\u0130Key=1 key=2 monkey=3 KEY: 4"

    shown = replace_at(re.compile(r"(?i:key)=\d"), ["key"], text, lambda match: match[0].upper())

    assert shown == "\u0130KEY=1 KEY=2 monKEY=3 KEY: 4"


def test_what_is_left_as_it_is_hides_nothing_behind_it() -> None:
    pattern = re.compile(r"\w+ (\w+)")

    shown = replace_at(pattern, ["a", "b"], "a b c", lambda match: "x" if match[1] == "c" else None)

    assert shown == "a x"
