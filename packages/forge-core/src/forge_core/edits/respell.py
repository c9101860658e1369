"""Saying a replacement in the file's own indentation and signs; pure.

A search that is found although it is indented differently says how the model indents, and a
replacement is carried over by the same change: a shift by whole levels, or another unit of a level.
Where both turn the search into what stands in the file, they have to agree on every line that is
written: two blanks that stand for four may be one level or a shift of two, and only a replacement
that goes no deeper can do without knowing which.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from forge_core.edits.difference import Difference, Rows
from forge_core.edits.lines import QUOTES, SIGNS, TO_PLAIN, get_indentation
from forge_core.edits.refusal import EditRefused

Way = Callable[[str], str | None]
"""Turns the model's indentation into the file's; None where it cannot."""

Lead = tuple[str, str]
"""The indentation of a line in the search, and in the file."""

TAB = "\t"

UNITS = (TAB, "  ", "    ", "        ")
"""What models and files indent one level by."""

SHARE = 0.2
"""Part of a file's indented lines that stand between two levels of four, if its levels are two."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a replacement is to be said."""

    ways: Sequence[Way]
    """The possible changes of indentation; the one change `str` is none at all."""
    signs: frozenset[str]
    """What the file indents by: blanks, tabs or both."""
    odd: frozenset[str] = frozenset()
    """Typographic signs that the model writes and the file does not."""


AS_QUOTED: Sequence[Way] = (str,)
"""No change."""


def find_unit(lines: Sequence[str]) -> str:
    """Find what a file indents one level by; four blanks where it does not say."""
    if sum(line.startswith(TAB) for line in lines) > sum(line.startswith("  ") for line in lines):
        return TAB
    leads = [len(line) - len(line.lstrip(" ")) for line in lines if line.startswith(" ")]
    between = sum(lead % 4 == 2 for lead in leads)
    return "  " if between > SHARE * len(leads) else "    "


def find_ways(leads: Sequence[Lead], unit: str) -> list[Way]:
    """Find the changes that turn the indentation of every line of a search into the file's.

    Args:
        leads: Of the lines that are not blank, at least one.
        unit: What the file indents one level by.
    """
    model, file = leads[0]
    more, less = file.removesuffix(model), model.removesuffix(file)
    ways: list[Way] = [partial(_swap, other, unit) for other in UNITS if other != unit]
    if file.endswith(model) and _is_shift(more, unit):
        ways.append(partial(_push, more))
    if model.endswith(file) and _is_shift(less, unit):
        ways.append(partial(_pull, less))
    return [way for way in ways if all(way(ours) == theirs for ours, theirs in leads)]


def respell(lines: Iterable[str], spelling: Spelling) -> tuple[str, ...]:
    """Say lines of a replacement as the file would.

    Raises:
        EditRefused: The ways to indent them do not agree, or lead to what the file never has.
    """
    return tuple(_respell_line(line, spelling) if line else "" for line in lines)


def find_odd_signs(quoted: Sequence[str], lines: Sequence[str]) -> frozenset[str]:
    """Find the typographic signs that a search shows to be a model's own spelling.

    Quotes come in pairs, so that one is evidence against all of them.
    """
    odd = set("".join(quoted)).intersection(SIGNS) - set("".join(lines))
    quotes = set(QUOTES) if odd.intersection(QUOTES) else set()
    return frozenset(odd | quotes) - set("".join(lines))


def refuse_doubtful_signs(change: Difference, odd: frozenset[str], lines: Sequence[str]) -> None:
    """Check that a model that writes its own signs writes no others, which may be meant.

    Raises:
        EditRefused: It does.
    """
    doubtful = set("".join(change.new)).intersection(SIGNS) - odd - set("".join(lines))
    if odd and doubtful:
        reason = f"replace has typographic signs ({_name(doubtful)}), and search has some for plain"
        raise EditRefused("signs", reason, [change.first])


def refuse_lost_signs(
    change: Difference, search: Sequence[str], lines: Sequence[str], rows: Rows
) -> None:
    """Check that no line that goes, or is moved, has a typographic sign that its quotation lacks.

    The replacement would lack it as well, and write the slip into the file.

    Raises:
        EditRefused: One has.
    """
    concerned = {*change.old, *change.new}
    for quoted, row in zip(search, rows, strict=True):
        if row is None or quoted not in concerned:
            continue
        lost = set(lines[row]).intersection(SIGNS) - set(quoted)
        if lost:
            reason = f"the file has typographic signs ({_name(lost)}) where search has plain ones"
            raise EditRefused("signs", reason, [row])


def _respell_line(line: str, spelling: Spelling) -> str:
    lead = get_indentation(line)
    starts = {way(lead) for way in spelling.ways}
    start = starts.pop() if len(starts) == 1 else None
    is_changed = spelling.ways is not AS_QUOTED
    if start is None or (is_changed and not spelling.signs.issuperset(start)):
        reason = "replace is indented in a way that cannot be carried over to the file's for sure"
        raise EditRefused("indentation", reason)
    body = line[len(lead) :]
    if not spelling.odd.isdisjoint(body):
        body = "".join(sign.translate(TO_PLAIN) if sign in spelling.odd else sign for sign in body)
    return start + body


def _is_shift(difference: str, unit: str) -> bool:
    """Return whether a difference of indentation is one of levels, or a slip of the hand.

    An even number of blanks that is no whole number of levels comes from another unit.
    """
    if unit == TAB or TAB in difference:
        return not difference.strip(TAB)
    return len(difference) % len(unit) == 0 or len(difference) % 2 == 1


def _name(signs: Iterable[str]) -> str:
    return ", ".join(f"U+{ord(sign):04X}" for sign in sorted(signs))


def _push(more: str, lead: str) -> str:
    return more + lead


def _pull(less: str, lead: str) -> str | None:
    return lead[len(less) :] if lead.startswith(less) else None


def _swap(unit: str, other: str, lead: str) -> str | None:
    return None if lead.replace(unit, "") else lead.replace(unit, other)
