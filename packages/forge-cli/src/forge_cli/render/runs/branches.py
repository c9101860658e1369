"""A tree with guide lines, whose nodes have figures below each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from forge_cli.render.runs.layout import cut_line

LABEL_ROOM = 30
"""Columns that labels get before figures are left out on a narrow terminal."""

NONE = "-"
"""The figure of what there is none of."""

GUIDE = "dim"
"""Style of guide lines."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A node: its name and state, its figures, what is said of it, and what is below it."""

    name: str
    state: Text = field(default_factory=Text)
    cells: Mapping[str, str] = field(default_factory=dict)
    """Figures by column."""
    remark: str = ""
    """Stands behind the figures, or below them where the line has no room."""
    lines: tuple[Text, ...] = ()
    """What stands below it, before its branches."""
    branches: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of figures."""

    names: tuple[str, ...]
    left: frozenset[str] = frozenset()
    """Columns whose cells stand at the left."""
    dispensable: tuple[str, ...] = ()
    """Those that a narrow terminal does without, the first one first."""
    rare: frozenset[str] = frozenset()
    """Those that are left out where no row has a figure for them."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A node, and the guide lines before it and before what is below it."""

    branch: Branch
    guide: str
    below: str

    @property
    def label_width(self) -> int:
        """Columns of guide lines, name and state."""
        state = cell_len(self.branch.state.plain)
        return cell_len(self.guide + self.branch.name) + (state and state + 1)


def render_branches(roots: Sequence[Branch], columns: Columns, width: int | None) -> list[Text]:
    """Render trees below each other.

    A name is never cut: one that leaves no room for its figures has a line of its own, and the
    state and the figures stand below it.

    Args:
        roots: The nodes at the top, which have no guide lines before them.
        columns: The columns of figures.
        width: Columns of the terminal, to which texts are cut; None cuts nothing.
    """
    nodes = [node for root in roots for node in _walk(root, "", "")]
    grid = _Grid.fit(nodes, columns, width)
    return [*grid.list_header(), *(line for node in nodes for line in grid.render(node))]


def _walk(branch: Branch, guide: str, before: str) -> Iterator[_Node]:
    """Go through a tree from the top down."""
    inside = "│  " if branch.branches else "   "
    yield _Node(branch, guide, before + inside)
    for child in branch.branches:
        is_last = child is branch.branches[-1]
        yield from _walk(
            child, before + ("└─ " if is_last else "├─ "), before + ("   " if is_last else "│  ")
        )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where labels end and figures stand."""

    width: int | None
    label: int
    """Columns of labels."""
    widths: Mapping[str, int]
    """Columns of the figures that are shown, by name."""
    left: frozenset[str]

    @classmethod
    def fit(cls, nodes: Sequence[_Node], columns: Columns, width: int | None) -> "_Grid":
        """Choose the columns that find room beside most labels."""
        rows = [node for node in nodes if node.branch.cells]
        longest = max((node.label_width for node in rows), default=0)
        widths = {
            name: max(cell_len(name), *(cell_len(row.branch.cells[name]) for row in rows))
            for name in (columns.names if rows else ())
            if name not in columns.rare or any(row.branch.cells[name] != NONE for row in rows)
        }
        for name in columns.dispensable:
            if width is None or _measure(widths) + min(longest, LABEL_ROOM) <= width:
                break
            widths.pop(name, None)
        room = longest if width is None else max(LABEL_ROOM, width - _measure(widths))
        return cls(width, min(longest, room), widths, columns.left)

    def list_header(self) -> Iterator[Text]:
        """Give the line with the names of the columns, if there are figures."""
        if self.widths:
            yield self._add_figures(Text(), {name: name for name in self.widths})

    def render(self, node: _Node) -> Iterator[Text]:
        """Render a node without its branches."""
        branch = node.branch
        label = Text.assemble((node.guide, GUIDE), branch.name)
        if branch.cells and node.label_width > self.label:
            yield label
            label = Text.assemble((node.below, GUIDE), branch.state)
        elif branch.state.plain:
            label.append(" ").append_text(branch.state)
        line = self._add_figures(label, branch.cells) if branch.cells else label
        beside = Text.assemble(line, "  ", branch.remark)
        fits = self.width is None or cell_len(beside.plain) <= self.width
        yield beside if branch.remark and fits else line
        remarks = (Text(branch.remark),) if branch.remark and not fits else ()
        for text in (*remarks, *branch.lines):
            line = Text.assemble((node.below, GUIDE), text)
            line.rstrip()
            yield cut_line(line, self.width)

    def _add_figures(self, label: Text, cells: Mapping[str, str]) -> Text:
        line = label.copy()
        line.append(" " * (self.label - cell_len(label.plain)))
        for name, width in self.widths.items():
            space = " " * (width - cell_len(cells[name]))
            line.append(" " + (cells[name] + space if name in self.left else space + cells[name]))
        line.rstrip()
        return line


def _measure(widths: Mapping[str, int]) -> int:
    return sum(width + 1 for width in widths.values())
