"""How often an edit with a slip is applied as it is meant, refused, or wrong; what edits save.

The corpus is made anew each time: every hunk of the history of this repository that changes a
Python file, and changes of the same shapes put into the sources of installed packages. Each is said
with as many lines of context as models are asked for, with three, one and none, as it is and with
every slip that models make; *other* slips are those that nothing can tolerate, such as a word that
differs.

Tokens are estimated as four characters each, of the whole files that a commit changed beside its
hunks as edits, and beside the lines alone that it changed: no edit can be shorter than these, and
the shorter a file, the larger their part of it. All edits of a commit, in any order, have to give
its files byte for byte.
"""

import json
import random
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median, quantiles

from forge_core.edits.apply import apply_edits
from forge_core.edits.lines import split_text
from forge_core.edits.refusal import EditsRefused
from forge_core.edits.respell import find_unit
from forge_core.models.call.llm import FileEdit

ROOT = Path(__file__).parents[1]

sys.path.append(str(ROOT / "tests"))

from support.slips import (  # noqa: E402 - of the tests
    Case,
    Operation,
    Passage,
    build_edit,
    join,
    judge,
    spoil,
)

ASKED = 2
"""Lines of context before and after a change that models are asked for, at most."""

ENOUGH = 4
"""Lines of a search, changed ones included, with which fewer are enough."""

CONTEXTS = (None, 3, 1, 0)
"""Lines of context; None for as many as models are asked for."""

RUNGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "exact": ((),),
    "trailing": (("trailing",),),
    "blank": (("blank",), ("extra",)),
    "indent": (("indent",), ("dedent",), ("rescaled",), ("bare",)),
    "quotes": (("quotes",),),
    "comment": (("comment",),),
    "mixed": (("indent", "trailing"), ("dedent", "quotes"), ("blank", "indent", "trailing")),
}
"""What has to be overlooked, and the slips that are made for it."""

OTHER = ("a word differs", "a line is missing", "two lines change places")

MAX_COMMITS = 400
MAX_HUNKS = 1_500
PACKAGE_FILES = 120
HUNKS_A_FILE = 3
MODULE_LINES = 5_500

LARGE_LINES = 300
"""Lines of a file from which it is large; smaller ones may as well be answered whole."""

SIZES = {
    "all files": range(sys.maxsize),
    "small files": range(LARGE_LINES),
    "large files": range(LARGE_LINES, sys.maxsize),
}
"""Lines that the files of a row of the table have."""

SAVED_LIMIT = 0.85
"""Part of the tokens of whole large files that edits save, median of commits, at least."""

EDIT_LIMIT_MS = 20.0


@dataclass(frozen=True)
class FileChange:
    """A file of one commit."""

    before: str
    after: str


@dataclass(frozen=True)
class Cost:
    """Tokens of one commit's change, said in several ways."""

    whole: float
    edited: float
    bare: float
    """The lines that go and those that come, without any context."""


@dataclass(frozen=True)
class Hunk:
    """Lines that become others."""

    lines: Sequence[str]
    """Of the file."""
    first: int
    stop: int
    new: Sequence[str]

    def surround(self, lines_around: int | None) -> Passage:
        """Return the hunk with so many lines before and after it; None for those asked for."""
        context = count_context(self.stop - self.first) if lines_around is None else lines_around
        start, end = max(self.first - context, 0), min(self.stop + context, len(self.lines))
        changed: list[Operation] = [(line, None) for line in self.lines[self.first : self.stop]]
        operations: list[Operation] = [
            *((line, line) for line in self.lines[start : self.first]),
            *changed,
            *((None, line) for line in self.new),
            *((line, line) for line in self.lines[self.stop : end]),
        ]
        return Passage(self.lines, start, operations, find_unit(self.lines))


def main() -> int:
    """Print the tables; 1 if a figure is beyond its limit."""
    history = [list(read_commit(commit)) for commit in list_commits()]
    hunks = collect_hunks(history)
    print(f"{len(hunks)} hunks; right / refused / WRONG with context as asked, 3, 1 and no lines")
    wrong = report_rungs(hunks)
    saved = report_tokens(history)
    slowest_ms = report_speed()
    return int(wrong > 0 or saved < SAVED_LIMIT or slowest_ms > EDIT_LIMIT_MS)


def list_commits() -> list[str]:
    """List the newest commits of this repository that are no merges."""
    return _git("rev-list", "--no-merges", f"--max-count={MAX_COMMITS}", "HEAD").decode().split()


def read_commit(commit: str) -> Iterator[FileChange]:
    """Give the Python files that a commit changes, moved ones without a change left out."""
    arguments = ("diff-tree", "-r", "-z", "--root", "-M", "--no-commit-id", commit)
    fields = iter(_git(*arguments).decode().split("\0"))
    for attributes in fields:
        if not attributes:
            return
        _, _, old, new, status = attributes.split()
        path = next(fields)
        if status.startswith("R"):
            path = next(fields)
        if path.endswith(".py") and status[0] in "MR" and old != new:
            before, after = (_git("cat-file", "blob", blob).decode() for blob in (old, new))
            yield FileChange(before, after)


def collect_hunks(history: Sequence[Sequence[FileChange]]) -> list[Hunk]:
    """Collect true hunks of the history, and their shapes in the sources of installed packages."""
    rng = random.Random(1)  # noqa: S311 - no secret
    true = [hunk for changes in history for change in changes for hunk in find_hunks(change)]
    true = rng.sample(true, min(MAX_HUNKS, len(true)))
    paths = sorted(Path(sysconfig.get_path("purelib")).rglob("*.py"))
    made = []
    for path in rng.sample(paths, min(PACKAGE_FILES, len(paths))):
        lines = split_text(path.read_text(encoding="utf-8", errors="replace")).lines
        if len(lines) > 10 and not any("\ufffd" in line for line in lines):
            made += [_plant(rng, lines, rng.choice(true)) for _ in range(HUNKS_A_FILE)]
    return true + made


def find_hunks(change: FileChange) -> Iterator[Hunk]:
    """Give the hunks of a file, each for itself."""
    before, after = split_text(change.before).lines, split_text(change.after).lines
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Hunk(before, i1, i2, after[j1:j2])


def report_rungs(hunks: Sequence[Hunk]) -> int:
    """Print what becomes of edits with each slip; the number of wrong ones."""
    wrong = 0
    for name, kinds in RUNGS.items():
        row = []
        for context in CONTEXTS:
            counts = _try_slips(hunks, context, kinds)
            wrong += counts["WRONG"]
            row.append(_format(counts))
        print(f"{name:<10}" + "".join(f"{cell:>26}" for cell in row))
    row = []
    for context in CONTEXTS:
        counts = _try_others(hunks, context)
        wrong += counts["WRONG"]
        row.append(_format(counts))
    print(f"{'other':<10}" + "".join(f"{cell:>26}" for cell in row))
    return wrong


def report_tokens(history: Sequence[Sequence[FileChange]]) -> float:
    """Print what commits take as whole files and as edits; what is saved of large ones, median."""
    rng = random.Random(3)  # noqa: S311 - no secret
    same = Counter[str]()
    costs: dict[str, list[Cost]] = {name: [] for name in SIZES}
    for changes in history:
        edits = [build_edits(change) for change in changes]
        pairs = list(zip(changes, edits, strict=True))
        for name, sizes in SIZES.items():
            counted = [pair for pair in pairs if pair[0].before.count("\n") in sizes]
            if counted:
                costs[name].append(_measure(counted))
        for change, said in pairs:
            rng.shuffle(said)
            same[_compare(change, said)] += 1
    print(
        f"{'tokens of a commit':<20} {'whole p50':>9} {'p90':>7} {'edits p50':>9} {'p90':>7}  saved"
        "  of changed lines alone"
    )
    for label, tokens in costs.items():
        whole, edited = ([getattr(cost, kind) for cost in tokens] for kind in ("whole", "edited"))
        print(
            f"{f'{len(tokens)} with {label}':<20} {median(whole):>9.0f} {_p90(whole):>7.0f}"
            f" {median(edited):>9.0f} {_p90(edited):>7.0f}  {_saved(tokens):.1%}"
            f"  {median(1 - cost.bare / cost.whole for cost in tokens):.1%}"
        )
    print(f"limit of large files {SAVED_LIMIT:.0%}; all edits of a file, shuffled: {dict(same)}")
    return _saved(costs["large files"])


def _measure(changes: Sequence[tuple[FileChange, Sequence[FileEdit]]]) -> Cost:
    hunks = [hunk for change, _ in changes for hunk in find_hunks(change)]
    parts = [(hunk.lines[hunk.first : hunk.stop], hunk.new) for hunk in hunks]
    return Cost(
        whole=sum(len(json.dumps(change.after)) for change, _ in changes) / 4,
        edited=sum(len(_dump(edits)) for _, edits in changes) / 4,
        bare=sum(len(_dump([build_edit(old, new)])) for old, new in parts) / 4,
    )


def report_speed() -> float:
    """Print what edits of a long module take; the slowest median in milliseconds."""
    lines = [
        line
        for number in range(MODULE_LINES // 5)
        for line in (
            f"    def method_{number}(self, value):",
            f'        """Do number {number}."""',
            "        result = self.run(value)",
            "        return result",
            "",
        )
    ]
    quoted, text = lines[2500:2507], join(lines)
    changed = [*quoted[:3], "        self.note(result)", *quoted[3:]]
    bare = [[line[4:] for line in part] for part in (quoted, changed)]
    cases = {
        "exact": build_edit(quoted, changed),
        "indented differently": build_edit(*bare),
        "every, in one line": FileEdit(
            file_path="", search="method_9", replace="method_x", every=True
        ),
        "every, in each line": FileEdit(file_path="", search="value", replace="number", every=True),
    }
    everywhere = join(
        [f"    value.add(value, {number})  # value" for number in range(MODULE_LINES)]
    )
    slowest = 0.0
    for name, edit in cases.items():
        subject = everywhere if name == "every, in each line" else text
        taken = median(_time(subject, edit) for _ in range(15))
        slowest = max(slowest, taken)
        print(f"{name:<22} {taken:6.1f} ms an edit of {len(lines)} lines, limit {EDIT_LIMIT_MS}")
    return slowest


def build_edits(change: FileChange) -> list[FileEdit]:
    """Say a file's change as edits, with the context asked for, or what makes each the only one."""
    before = split_text(change.before).lines
    edits = []
    for hunk in join_hunks(find_hunks(change)):
        context = count_context(hunk.stop - hunk.first)
        low, high = max(hunk.first - context, 0), min(hunk.stop + context, len(before))
        edit = quote(hunk, low, high)
        while (low > 0 or high < len(before)) and not _fits(change.before, edit):
            low, high = max(low - 1, 0), min(high + 1, len(before))
            edit = quote(hunk, low, high)
        edits.append(edit)
    return edits


def quote(hunk: Hunk, low: int, high: int) -> FileEdit:
    """Say a hunk as an edit that quotes the lines between two rows."""
    above, below = hunk.lines[low : hunk.first], hunk.lines[hunk.stop : high]
    return build_edit(hunk.lines[low:high], [*above, *hunk.new, *below])


def join_hunks(hunks: Iterable[Hunk]) -> Iterator[Hunk]:
    """Join hunks whose context would overlap, which is one edit then."""
    last: Hunk | None = None
    for hunk in hunks:
        if last is None:
            last = hunk
            continue
        room = count_context(last.stop - last.first) + count_context(hunk.stop - hunk.first)
        between = hunk.lines[last.stop : hunk.first]
        if len(between) > room:
            yield last
            last = hunk
        else:
            last = Hunk(hunk.lines, last.first, hunk.stop, [*last.new, *between, *hunk.new])
    if last is not None:
        yield last


def count_context(changed: int) -> int:
    """Return how many lines of context are asked for on each side of lines that change."""
    return max(1, min(ASKED, (ENOUGH - changed + 1) // 2))


def _plant(rng: random.Random, lines: Sequence[str], shape: Hunk) -> Hunk:
    """Put a change of a hunk's shape into other lines: what is written comes from elsewhere."""
    removed = min(shape.stop - shape.first, len(lines) // 2)
    first = rng.randrange(len(lines) - removed)
    at = rng.randrange(len(lines))
    new = [line.replace("e", "i", 1) for line in lines[at : at + len(shape.new)]]
    return Hunk(lines, first, first + removed, new)


def _try_slips(
    hunks: Sequence[Hunk], context: int | None, kinds: Sequence[Sequence[str]]
) -> Counter[str]:
    rng = random.Random(2)  # noqa: S311 - no secret
    counts = Counter[str]()
    for hunk in hunks:
        for slips in kinds:
            case = _spoil(rng, hunk.surround(context), slips)
            if case is not None:
                counts[judge(case)] += 1
    return counts


def _try_others(hunks: Sequence[Hunk], context: int | None) -> Counter[str]:
    """Make slips that leave no place to be found; where another is found, that is wrong."""
    rng = random.Random(4)  # noqa: S311 - no secret
    counts = Counter[str]()
    for hunk in hunks:
        for slip in OTHER:
            case = _spoil(rng, hunk.surround(context), ())
            if case is not None and _mislead(rng, case, slip):
                counts[judge(case)] += 1
    return counts


def _spoil(rng: random.Random, passage: Passage, slips: Sequence[str]) -> Case | None:
    case = spoil(rng, passage, slips)
    return None if case is None or case.search == case.replace else case


def _mislead(rng: random.Random, case: Case, slip: str) -> bool:
    solid = [index for index, line in enumerate(case.search) if len(line.strip()) > 3]
    if len(solid) < 4:
        return False
    # Within: a search that lacks its first or last line says something else, not something wrong.
    one, other = rng.sample(solid[1:-1], 2)
    search = case.search
    if slip == OTHER[0]:
        search[one] = search[one].replace(search[one].split()[-1], "otherwise")
    elif slip == OTHER[1]:
        search.pop(one)
    else:
        search[one], search[other] = search[other], search[one]
    return search != case.replace


def _saved(costs: Sequence[Cost]) -> float:
    return median(1 - cost.edited / cost.whole for cost in costs)


def _p90(tokens: Sequence[float]) -> float:
    return quantiles(tokens, n=10)[8]


def _compare(change: FileChange, edits: Sequence[FileEdit]) -> str:
    try:
        return "same" if apply_edits(change.before, edits).text == change.after else "WRONG"
    except EditsRefused:
        return "refused"


def _fits(text: str, edit: FileEdit) -> bool:
    try:
        apply_edits(text, [edit])
    except EditsRefused:
        return False
    return True


def _dump(edits: Sequence[FileEdit]) -> str:
    return json.dumps([[edit.search, edit.replace] for edit in edits])


def _format(counts: Counter[str]) -> str:
    total = max(counts.total(), 1)
    return f"{counts['right'] / total:.1%} / {counts['refused']} / {counts['WRONG']}"


def _time(text: str, edit: FileEdit) -> float:
    started = time.process_time()
    apply_edits(text, [edit])
    return (time.process_time() - started) * 1000


def _git(*args: str) -> bytes:
    command = ["git", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


if __name__ == "__main__":
    raise SystemExit(main())
