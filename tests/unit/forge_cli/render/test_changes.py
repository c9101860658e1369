"""What an answer changed of one file, in a line."""

from typing import Any

import pytest
from forge_cli.render.changes import describe_change, describe_way
from forge_cli.views.result import build_result_view
from forge_core.edits.locate import LADDER


def describe(**change: Any) -> str:
    attempt = {"attempt": 1, "signal": "success", "changes": [change]}
    return describe_change(build_result_view({"attempts": [attempt]}).attempts[0].changes[0])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(
            {
                "path": "db.py",
                "kind": "modified",
                "lines_added": 14,
                "lines_removed": 2,
                "rungs": {"exact": 2, "indent": 1},
            },
            "db.py: 3 edits +14 \u22122, 1 by indentation",
            id="edits",
        ),
        pytest.param(
            {"path": "a.py", "kind": "added", "lines_added": 1200}, "a.py: added +1,200", id="added"
        ),
        pytest.param(
            {"path": "a.py", "kind": "modified", "lines_added": 1, "lines_removed": 1},
            "a.py: replaced whole +1 \u22121",
            id="whole",
        ),
        pytest.param(
            {"path": "a.py", "kind": "deleted", "lines_removed": 3},
            "a.py: deleted \u22123",
            id="deleted",
        ),
        pytest.param(
            {
                "path": "b.py",
                "kind": "renamed",
                "old_path": "a.py",
                "lines_added": 1,
                "rungs": {"every": 1},
            },
            "b.py: renamed from a.py, 1 edit +1, 1 everywhere",
            id="renamed",
        ),
        pytest.param({"path": "a\x1b[2J"}, "a\\x1b[2J: ", id="damaged"),
    ],
)
def test_change_is_told_in_a_line(change: dict[str, Any], line: str) -> None:
    assert describe(**change) == line


def test_every_rung_but_the_exact_one_has_words() -> None:
    assert {rung for rung in LADDER if describe_way(rung) == rung} == {"exact"}
