"""What README and reference say of the store holds."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from forge_obs import record, upgrade
from forge_obs.model.rows import TABLES

ROOT = Path(__file__).parents[3]
README = ROOT / "packages/forge-obs/README.md"
REDACT = ROOT / "docs/how-to/redact.md"
OTHER_TOOLS = ROOT / "docs/how-to/read-the-store-with-other-tools.md"
SCHEMA = ROOT / "docs/reference/schema.md"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def documented(table: str) -> list[tuple[str, str, str]]:
    section = SCHEMA.read_text().split(f"## {table}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (\w+) \| (yes|no) \|", section, re.M)


def test_example_of_the_readme_prints_what_it_says() -> None:
    text = README.read_text()
    [example] = blocks(text, "python")
    expected = blocks(text.split("prints")[1], "")[0]

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == expected


def test_example_of_a_redaction_hook_hides_keys() -> None:
    text = REDACT.read_text().replace("\n   ", "\n")  # the block stands in a list
    names: dict[str, Any] = {}
    exec(blocks(text, "python")[0], names)  # noqa: S102 - it is our own page

    hidden = names["hide_keys"]("a sk-ant-0123456789 b\n-----BEGIN KEY-----\nx\n-----END KEY-----")

    assert hidden == "a [redacted] b\n[redacted]"


def test_queries_of_the_guide_to_other_tools_run(private_environment: Path) -> None:
    [script] = blocks(OTHER_TOOLS.read_text(), "sql")
    queries = [query for query in script.replace(".mode box\n", "").split(";") if query.strip()]
    stats = {"model_name": "m", "input_tokens": 7, "output_tokens": 1, "latency_ms": 3.0}
    call = {"task_id": "t", "role": "llm", "system_prompt": "", "user_prompt": "", "stats": stats}
    untyped: Any = record
    untyped("run", task_id="t", workflow_id="w", run_id="r", status="error", reason="lint")
    untyped("interaction", **call, entry_id="e", workflow_id="w", root_run_id="r", attempt=2)
    untyped("interaction", **call, status="error", error="401")
    sha = "0123456789abcdef0123456789abcdef01234567"
    untyped("outcome", entry_id="e", outcome="accepted", commit_sha=sha)

    with closing(sqlite3.connect(private_environment / "forge.db")) as connection:
        found = [connection.execute(query).fetchall() for query in queries]
    assert all(found)
    assert found[-1] == [("e", "m", None, "lint")]


def test_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 100


@pytest.mark.parametrize("table", [*TABLES])
def test_every_column_is_documented_as_it_is(tmp_path: Path, table: str) -> None:
    upgrade(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        found = connection.execute(f"PRAGMA table_info({table})").fetchall()

    assert documented(table) == [
        (name, kind, "no" if required else "yes") for _, name, kind, required, *_ in found
    ]


@pytest.mark.parametrize(
    "query", blocks(SCHEMA.read_text(), "sql"), ids=["tokens", "newest run", "outcomes"]
)
def test_example_queries_find_the_row(private_environment: Path, query: str) -> None:
    stats = {"model_name": "m", "input_tokens": 7, "output_tokens": 1, "latency_ms": 3.0}
    assert record("run", task_id="t", workflow_id="w", run_id="r", status="running")
    assert record("outcome", entry_id="e", outcome="accepted")
    assert record(
        "interaction",
        task_id="t",
        role="llm",
        system_prompt="s",
        user_prompt="u",
        workflow_id="w",
        run_id="r",
        root_run_id="r",
        entry_id="e",
        stats=stats,
    )

    with closing(sqlite3.connect(private_environment / "forge.db")) as connection:
        [row] = connection.execute(query).fetchall()
    assert 7 in row or "accepted" in row
