"""A planned run that edits a long module, renames another and deletes a third, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from support.forge import Outcome, run_forge
from support.repository import git, make_repository
from support.script import write_script

pytestmark = pytest.mark.usefixtures("shared_server")

HANDLERS = 1100
MODULE = "import os,sys\nLIMIT=10\n\n\n" + "".join(
    f"def handle_{n}( value ):\n    result = value+{n}\n    return result\n\n\n"
    for n in range(HANDLERS)
)
"""More than 5,000 lines that a formatter would change and a linter would complain of."""

FILES = {
    "shop/__init__.py": "",
    "shop/db.py": MODULE,
    "shop/sums.py": "def total( a,b ):\n    return a+b\n",
    "shop/unused.py": "NOTHING = None\n",
    "app.py": "from shop.sums import total\n\nprint( total(1,2) )\n",
    "cli.py": "import shop.sums\n\nprint(shop.sums.total(1, 2))\n",
}
PLAN = {
    "steps": [
        {"step_id": "edit", "description": "Mend handlers.", "target_files": ["shop/db.py"]},
        {
            "step_id": "rename",
            "description": "Call shop.sums pricing.",
            "target_files": ["shop/sums.py", "app.py", "cli.py"],
        },
        {
            "step_id": "delete",
            "description": "Delete what nobody uses.",
            "target_files": ["shop/unused.py"],
        },
    ]
}


def edit(path: str, search: str, replace: str, *, every: bool = False) -> dict[str, Any]:
    return {"file_path": path, "search": search, "replace": replace, "every": every}


def mend(number: int, indent: str = "    ") -> dict[str, Any]:
    old = f"{indent}result = value+{number}\n{indent}return result\n"
    return edit("shop/db.py", old, old.replace("value+", "value + 1 +"))


VAGUE = edit("shop/db.py", "    return result\n", "    return -result\n")
FIRST = edit("shop/db.py", "LIMIT=10\n", "LIMIT=20\n")
EDITED = {"explanation": "Three places.", "edits": [mend(900, indent=""), FIRST, mend(500)]}
RENAMED = {
    "renames": [{"file_path": "shop/sums.py", "new_path": "shop/pricing.py"}],
    "edits": [
        edit("app.py", "from shop.sums import total\n", "from shop.pricing import total\n"),
        edit("cli.py", "shop.sums", "shop.pricing", every=True),
    ],
}


def run(tmp_path: Path) -> tuple[Path, Outcome]:
    repo = make_repository(tmp_path / "repo", FILES)
    model = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": PLAN},
        {"step_id": "edit", "sample": 0, "answer": {"edits": [FIRST, VAGUE]}},
        {"step_id": "edit", "sample": 1, "answer": EDITED},
        {"step_id": "rename", "answer": RENAMED},
        {"step_id": "delete", "answer": {"deletions": ["shop/unused.py"]}},
    )
    words = ("run", "Tidy up.", "--task-id", "tidy", "--plan", "--repo", str(repo), "--json")
    return repo, run_forge(*words, "--model", model, "--planner-model", model)


def test_branch_holds_exactly_what_was_answered_and_the_record_says_how(tmp_path: Path) -> None:
    repo, outcome = run(tmp_path)

    assert outcome.code == 0, outcome.stderr
    check_branch(repo)
    check_result(outcome.document["result"])
    check_what_is_shown(outcome.document["workflow_id"])


def check_branch(repo: Path) -> None:
    status = git(repo, "diff", "--find-renames", "--name-status", "main", "forge/tidy")
    lines = git(repo, "diff", "--unified=0", "--find-renames", "main", "forge/tidy").splitlines()

    assert [line.split("\t") for line in status.splitlines()] == [
        ["M", "app.py"],
        ["M", "cli.py"],
        ["M", "shop/db.py"],
        ["R100", "shop/sums.py", "shop/pricing.py"],
        ["D", "shop/unused.py"],
    ]
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert changed == [
        "-from shop.sums import total",
        "+from shop.pricing import total",
        "-import shop.sums",
        "+import shop.pricing",
        "-print(shop.sums.total(1, 2))",
        "+print(shop.pricing.total(1, 2))",
        "-LIMIT=10",
        "+LIMIT=20",
        "-    result = value+500",
        "+    result = value + 1 +500",
        "-    result = value+900",
        "+    result = value + 1 +900",
        "-NOTHING = None",
    ]
    assert git(repo, "status", "--porcelain") == ""


def check_result(result: dict[str, Any]) -> None:
    changes = {
        change["path"]: (change["kind"], change["rungs"])
        for step in result["step_results"]
        for change in step["attempts"][-1]["changes"]
    }

    assert [len(step["attempts"]) for step in result["step_results"]] == [1, 1, 1]
    assert changes == {
        "shop/db.py": ("modified", {"exact": 2, "indent": 1}),
        "app.py": ("modified", {"exact": 1}),
        "cli.py": ("modified", {"every": 1}),
        "shop/pricing.py": ("renamed", {}),
        "shop/unused.py": ("deleted", {}),
    }


def check_what_is_shown(workflow_id: str) -> None:
    status = run_forge("status", "--workflow-id", workflow_id).stdout
    calls = run_forge("status", "--workflow-id", workflow_id, "--json", "--verbose").document
    refused, mended = (c for c in calls["interactions"] if c["step_id"] == "edit")
    shown = run_forge("show", mended["entry_id"]).stdout

    assert "shop/db.py: 3 edits +3 \u22123, 1 by indentation" in status
    assert "shop/pricing.py: renamed from shop/sums.py" in status
    assert f"search fits {HANDLERS} places" in mended["user_prompt"]
    assert refused["error_type"] == "invalid_output"
    row = MODULE.split("\n").index("    result = value+900") + 1
    assert f"@@ line {row}, by indentation @@\n-result = value+900\n" in shown
