"""Hostile little files full of look-alikes, an edit of one, and slips as models make them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from forge_core.edits.apply import apply_edits
from forge_core.edits.refusal import EditsRefused
from forge_core.models.call.llm import FileEdit

BODIES = ("foo = 'one'", "bar(foo)", "return foo", "if foo:", 'log("x-y")', "# note it", "")

CURLY = str.maketrans({"'": "\u2019", '"': "\u201d", "-": "\u2013"})

Operation = tuple[str | None, str | None]
"""A line of the file and what becomes of it; None where there is none."""

Verdict = Literal["right", "refused", "WRONG"]


@dataclass
class Passage:
    """Lines of a file and what becomes of them."""

    lines: Sequence[str]
    """The whole file's."""
    first: int
    """Where the passage begins."""
    operations: Sequence[Operation]
    unit: str
    """What the file indents one level by."""


@dataclass
class Case:
    """A file, an edit as a model says it, and the file that it means."""

    text: str
    truth: str
    search: list[str]
    replace: list[str]
    slips: set[str] = field(default_factory=set)

    @property
    def edit(self) -> FileEdit:
        return build_edit(self.search, self.replace)


def build_edit(search: Sequence[str], replace: Sequence[str]) -> FileEdit:
    """Build an edit of whole lines."""
    return FileEdit(file_path="a.py", search=join(search), replace=join(replace))


def join(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def make_case(rng: random.Random, slips: Sequence[str] = ()) -> Case | None:
    """Make a case with these slips, or with any; None where one of them finds nothing to spoil."""
    unit = rng.choice(["    ", "    ", "  ", "\t"])
    lines = [_make_line(rng, unit) for _ in range(rng.randint(8, 40))]
    if (
        sum(line.startswith(unit) for line in lines)
        - sum(line.startswith(unit * 2) for line in lines)
        < len(lines) / 4
    ):
        return None  # Such a file does not say how wide its levels are.
    first = rng.randrange(len(lines))
    stop = min(len(lines), first + rng.randint(1, 7))
    operations: list[Operation] = [(line, line) for line in lines[first:stop]]
    for _ in range(rng.randint(1, 2)):
        _change(rng, operations, unit)
    chosen = slips or [name for name in SLIPS if rng.random() < CHANCE]
    if any(len(kind.intersection(chosen)) > 1 for kind in ONE_OF_A_KIND):
        return None
    return spoil(rng, Passage(lines, first, operations, unit), chosen)


def spoil(rng: random.Random, passage: Passage, slips: Sequence[str]) -> Case | None:
    """Say a passage's change with these slips; None where one of them finds nothing to spoil."""
    operations = list(passage.operations)
    stop = passage.first + sum(old is not None for old, _ in operations)
    written = [new for _, new in operations if new is not None]
    truth = [*passage.lines[: passage.first], *written, *passage.lines[stop:]]
    case = Case(join(passage.lines), join(truth), [], [], set(slips))
    for name in slips:
        if name in OPERATION_SLIPS and not OPERATION_SLIPS[name](rng, operations):
            return None
    case.search = [old for old, _ in operations if old is not None]
    case.replace = [new for _, new in operations if new is not None]
    if not any(line.strip() for line in case.search):
        return None
    for name in slips:
        if name not in OPERATION_SLIPS and not TEXT_SLIPS[name](rng, case, passage.unit):
            return None
    return case


def judge(case: Case) -> Verdict:
    """Apply a case's edit and compare with what it means."""
    try:
        result = apply_edits(case.text, [case.edit]).text
    except EditsRefused:
        return "refused"
    if result == case.truth:
        return "right"
    # Which of several blank lines was quoted, nothing can tell.
    is_blank = not case.slips.isdisjoint({"blank", "extra"})
    return "right" if is_blank and _pack(result) == _pack(case.truth) else "WRONG"


def _pack(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def _make_line(rng: random.Random, unit: str) -> str:
    body = rng.choice(BODIES)
    return unit * rng.randint(0, 2) + body if body else ""


def _change(rng: random.Random, operations: list[Operation], unit: str) -> None:
    index = rng.randrange(len(operations) + 1)
    kind = rng.random()
    if kind < 0.4 or index == len(operations):
        added = unit * rng.randint(0, 3) + f"added{rng.randrange(9)}('it')"
        operations.insert(index, (None, added))
        return
    old, _ = operations[index]
    if kind < 0.7:
        operations[index] = (old, None)
    elif old and old.strip():
        operations[index] = (old, old.replace(old.strip(), "changed('it')"))


def _leave_out(
    is_meant: Callable[[str], bool],
) -> Callable[[random.Random, list[Operation]], bool]:
    """Build a slip that quotes everything but one line of the context."""

    def leave_out(rng: random.Random, operations: list[Operation]) -> bool:
        solid = [i for i, (old, _) in enumerate(operations) if old and old.strip()]
        within = range(solid[0] + 1, solid[-1]) if solid else range(0)
        places = [i for i in within if operations[i][0] is not None and _is_kept(operations[i])]
        places = [i for i in places if is_meant(str(operations[i][0]))]
        if places:
            operations.pop(rng.choice(places))
        return bool(places)

    return leave_out


def _is_kept(operation: Operation) -> bool:
    return operation[0] == operation[1]


def _each(case: Case, spell: Callable[[str], str]) -> bool:
    """Spell every line that is not blank in another way; False where that changes nothing."""
    before = case.search[:]
    case.search, case.replace = (
        [spell(line) if line.strip() else line for line in lines]
        for lines in (case.search, case.replace)
    )
    return before != case.search


def _indent(rng: random.Random, case: Case, unit: str) -> bool:
    pad = unit * rng.randint(1, 2)
    return _each(case, lambda line: pad + line)


def _dedent(_: random.Random, case: Case, unit: str) -> bool:
    lines = [line for line in case.search + case.replace if line.strip()]
    depth = min(len(line) - len(line.lstrip()) for line in lines)
    case.slips.add(f"by {depth // len(unit)}")
    return depth > 0 and _each(case, lambda line: line[depth:])


def _rescale(rng: random.Random, case: Case, unit: str) -> bool:
    """Indent by another unit than the file does."""
    other = rng.choice([u for u in ("    ", "  ", "\t") if u != unit])
    lines = [line for line in case.search + case.replace if line.strip()]
    if any(line[: len(line) - len(line.lstrip())].replace(unit, "") for line in lines):
        return False

    def spell(line: str) -> str:
        body = line.lstrip()
        return other * ((len(line) - len(body)) // len(unit)) + body

    return _each(case, spell)


def _bare(_: random.Random, case: Case, __: str) -> bool:
    """Begin to quote behind the first line's indentation."""
    if not case.search or not case.replace:
        return False
    first, new = case.search[0], case.replace[0]
    lead, new_lead = (line[: len(line) - len(line.lstrip())] for line in (first, new))
    if not lead or lead != new_lead:
        return False
    case.search[0], case.replace[0] = first.lstrip(), new.lstrip()
    return True


def _trail(rng: random.Random, case: Case, _: str) -> bool:
    before = case.search
    case.search = [line + "  " * rng.randint(0, 1) for line in case.search]
    return case.search != before


def _curl(_: random.Random, case: Case, __: str) -> bool:
    return _each(case, lambda line: line.translate(CURLY))


def _straighten(_: random.Random, case: Case, __: str) -> bool:
    """Quote plain signs where the file has typographic ones; what is new is meant as it is."""
    before = case.text
    lines = case.truth.split("\n")
    meant = [line if "('it')" in line else line.translate(CURLY) for line in lines]
    case.text, case.truth = case.text.translate(CURLY), "\n".join(meant)
    return case.text != before


def _insert_blank(rng: random.Random, case: Case, _: str) -> bool:
    if len(case.search) < 2:
        return False
    case.search.insert(rng.randint(1, len(case.search) - 1), "")
    return True


CHANCE = 0.25
"""Of each slip in a case that may have any."""

OPERATION_SLIPS: dict[str, Callable[[random.Random, list[Operation]], bool]] = {
    "comment": _leave_out(lambda line: line.lstrip().startswith("#")),
    "blank": _leave_out(lambda line: not line.strip()),
}

TEXT_SLIPS: dict[str, Callable[[random.Random, Case, str], bool]] = {
    "indent": _indent,
    "dedent": _dedent,
    "rescaled": _rescale,
    "bare": _bare,
    "trailing": _trail,
    "quotes": _curl,
    "straightened": _straighten,
    "extra": _insert_blank,
}

SLIPS = (*OPERATION_SLIPS, *TEXT_SLIPS)

ONE_OF_A_KIND = ({"quotes", "straightened"}, {"indent", "dedent", "rescaled", "bare"})
"""Slips of which a model makes one: two undo each other, so that a search seems to be exact."""
