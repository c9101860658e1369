"""A planned run on a real repository, with real provider clients, told by its record."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rich
from forge_obs import Interaction, get_interactions, get_run, open_reader
from support.documents import validate
from support.forge import Outcome, run_forge
from support.llm_server import Exchange, LLMServer, Reply, tool
from support.llm_wires import Usage, answering_model

PLAN = {
    "steps": [
        {
            "step_id": "settings",
            "description": "Add settings for the reports.",
            "target_files": ["rich/report_settings.py"],
            "context_files": ["rich/_pick.py"],
        },
        {
            "step_id": "reports",
            "description": "Add three reports.",
            "context_files": ["rich/report_settings.py"],
            "sub_tasks": [
                {
                    "sub_task_id": name,
                    "description": f"Write the {name} report.",
                    "target_files": [f"rich/report_{name}.py"],
                }
                for name in ("colours", "styles", "widths")
            ],
        },
        {
            "step_id": "index",
            "description": "List the reports.",
            "target_files": ["rich/report_index.py"],
        },
        {
            "step_id": "pick",
            "description": "Mention the reports where values are picked.",
            "target_files": ["rich/_pick.py"],
        },
    ],
    "explanation": "Settings first; the reports do not need each other.",
}
USAGE = Usage(input_tokens=4120, output_tokens=45, cache_read_tokens=3000, cache_write_tokens=0)
REFUSED = 'REPORTS = ["colours", "styles", undefined_name]\n'
MENDED = 'REPORTS = ["colours", "styles", "widths"]\n'


def write(path: str, content: str) -> Reply:
    answer = {"files": [{"file_path": path, "content": content}], "explanation": f"wrote {path}"}
    return tool(answer, usage=USAGE)


def respond(exchange: Exchange) -> Reply:
    """Answer as the author of each part would."""
    user = exchange.prompts.user
    if exchange.prompts.tool == "plan":
        return tool(PLAN, usage=USAGE)
    for name in ("colours", "styles", "widths"):
        if f"Your part ({name}):" in user:
            return write(f"rich/report_{name}.py", f'NAME = "{name}"\n')
    if "Your step (settings):" in user:
        return write("rich/report_settings.py", "import os\nLIMIT = 10\n")
    if "Your step (index):" in user:
        return write("rich/report_index.py", MENDED if "## Previous attempt" in user else REFUSED)
    assert "Your step (pick):" in user
    return write("rich/_pick.py", 'DOC = "see the reports — ☃"\n')


@dataclass(frozen=True)
class Finished:
    """A finished run and everything it left."""

    repo: Path
    server: LLMServer
    outcome: Outcome
    model: str

    @property
    def document(self) -> dict[str, Any]:
        return self.outcome.document

    @property
    def workflow_id(self) -> str:
        workflow_id: str = self.document["workflow_id"]
        return workflow_id


def git(repo: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True, text=True)
    return done.stdout


def make_library_repository(path: Path) -> Path:
    """Make a repository of an installed package's sources."""
    source = Path(rich.__file__).parent
    shutil.copytree(source, path / "rich", ignore=shutil.ignore_patterns("__pycache__"))
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(path, *identity, "commit", "--quiet", "--message=sources")
    return path


@pytest.fixture(params=["openai-chat", "anthropic"])
def finished(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shared_server: None,  # noqa: ARG001 - for its effect
) -> Iterator[Finished]:
    """Run the task once for each provider's wire format."""
    repo = make_library_repository(tmp_path / "repo")
    (repo / "rich" / "_pick.py").write_text("# a change that is not committed\n")
    with LLMServer(respond) as server:
        server.configure(monkeypatch)
        outcome = run_forge(
            "run", "Add reports.", "--task-id", "reports", "--plan", "--repo", str(repo),
            "--model", f"{request.param}:writer-1", "--planner-model", f"{request.param}:planner-1",
            "--json", "--verbose", "--lint", "--format",
        )  # fmt: skip
        assert outcome.code == 0, outcome.stderr
        yield Finished(repo, server, outcome, request.param)


def test_planned_run_on_a_real_repository(finished: Finished) -> None:
    assert len(list((finished.repo / "rich").rglob("*.py"))) >= 30
    check_result(finished)
    check_branch(finished)
    check_worktrees(finished)
    check_checkout_is_untouched(finished)
    check_store(finished)
    check_printed_interactions(finished)
    check_comparison_of_attempts(finished)
    check_author_of_a_line(finished)


def check_result(finished: Finished) -> None:
    result = finished.document["result"]

    assert finished.document["status"] == result["status"] == "success"
    assert finished.document["branch"] == "forge/reports"
    assert [step["step_id"] for step in result["step_results"]] == [
        "settings",
        "reports",
        "index",
        "pick",
    ]
    attempts = {s["step_id"]: [a["signal"] for a in s["attempts"]] for s in result["step_results"]}
    assert attempts["index"] == ["failure_retryable", "success"]
    assert attempts["settings"] == attempts["reports"] == attempts["pick"] == ["success"]
    parts = result["step_results"][1]["sub_task_results"]
    assert [part["sub_task_id"] for part in parts] == ["colours", "styles", "widths"]
    assert all(part["llm_stats"]["input_tokens"] == USAGE.input_tokens for part in parts)
    assert result["planner_stats"]["model_name"] == answering_model("planner-1")
    assert result["step_results"][0]["llm_stats"]["output_tokens"] == USAGE.output_tokens
    assert result["context_stats"]["files_discovered"] >= 30
    assert result["plan"]["task_id"] == "reports"


def check_branch(finished: Finished) -> None:
    log = git(
        finished.repo, "log", "--reverse", "--format=%s%n%(trailers:only)", "main..forge/reports"
    )
    blobs = finished.document["result"]["output_files"]

    accepted = {
        call["entry_id"]
        for call in finished.document["interactions"]
        if call["outcome"] == "accepted"
    }
    lines = log.splitlines()
    named = [line.removeprefix("Forge-Call: ") for line in lines if line.startswith("Forge-Call: ")]
    planner, *_ = (
        call["entry_id"] for call in finished.document["interactions"] if call["role"] == "planner"
    )
    assert {planner, *named} == accepted
    assert len(named) == len(accepted) - 1
    assert [line for line in lines if not line.startswith("Forge-Call: ")] == [
        line
        for step, attempt, subject in (
            ("settings", 1, "settings: Add settings for the reports."),
            ("reports", 1, "reports: Add three reports."),
            ("index", 2, "index: List the reports."),
            ("pick", 1, "pick: Mention the reports where values are picked."),
        )
        for line in (
            subject,
            f"Forge-Workflow: {finished.workflow_id}",
            f"Forge-Step: {step}",
            f"Forge-Attempt: {attempt}",
            "",
        )
    ]
    assert git(finished.repo, "show", "forge/reports:rich/report_settings.py") == "LIMIT = 10\n"
    assert git(finished.repo, "show", "forge/reports:rich/report_index.py") == MENDED
    changed = git(finished.repo, "diff", "--name-only", "main", "forge/reports").split()
    assert sorted(blobs) == changed
    assert (
        blobs["rich/report_index.py"]
        == git(finished.repo, "rev-parse", "forge/reports:rich/report_index.py").strip()
    )


def check_worktrees(finished: Finished) -> None:
    worktree = Path(finished.document["result"]["worktree_path"])

    assert worktree == finished.repo / ".forge-worktrees" / "reports"
    assert (worktree / "rich" / "report_widths.py").read_text() == 'NAME = "widths"\n'
    assert git(worktree, "status", "--porcelain") == ""
    assert len(git(finished.repo, "worktree", "list").splitlines()) == 2
    assert git(finished.repo, "for-each-ref", "refs/forge") == ""


def check_checkout_is_untouched(finished: Finished) -> None:
    assert git(finished.repo, "status", "--porcelain") == " M rich/_pick.py\n"
    assert (finished.repo / "rich/_pick.py").read_text() == "# a change that is not committed\n"
    assert "uncommitted changes" in finished.outcome.stderr


def check_store(finished: Finished) -> None:
    database = Path(run_forge("db", "path").stdout.strip())
    engine = open_reader(database)
    assert engine is not None
    rows = get_interactions(engine, workflow_id=finished.workflow_id)
    run = get_run(engine, finished.workflow_id)

    assert run is not None
    assert (run.status, run.planned, run.repo_root) == ("success", True, str(finished.repo))
    assert json.loads(run.result_json) == finished.document["result"]
    validate("run_outcome", finished.document)
    exchanges = finished.server.exchanges
    assert len(rows) == len(exchanges) == 8
    by_prompt = {row.user_prompt: row for row in rows}
    assert len(by_prompt) == 8
    for exchange in exchanges:
        check_row(by_prompt[exchange.prompts.user], exchange)
    assert sorted(identify(row) for row in rows) == [
        ("llm", "index", "", 1, 0),
        ("llm", "index", "", 2, 0),
        ("llm", "pick", "", 1, 0),
        ("llm", "reports", "colours", 1, 1),
        ("llm", "reports", "styles", 1, 1),
        ("llm", "reports", "widths", 1, 1),
        ("llm", "settings", "", 1, 0),
        ("planner", "", "", 1, 0),
    ]
    root = {row.run_id for row in rows if not row.sub_task_id}
    children = {row.run_id for row in rows if row.sub_task_id}
    assert root == {run.run_id}
    assert len(children) == 3


def check_row(row: Interaction, exchange: Exchange) -> None:
    stats = json.loads(row.context_stats_json or "")

    assert row.system_prompt == exchange.prompts.system
    assert row.response == exchange.response_text
    assert row.model_name == answering_model(exchange.prompts.model)
    assert (row.input_tokens, row.output_tokens) == (USAGE.input_tokens, USAGE.output_tokens)
    assert (row.cache_read_tokens, row.usage_known) == (USAGE.cache_read_tokens, True)
    assert (row.status, row.origin, row.activity_attempt, row.seq) == ("ok", "provider", 1, 0)
    assert row.latency_ms > 0
    assert stats["files_discovered"] >= 30
    assert stats["total_estimated_tokens"] > 0


def identify(row: Interaction) -> tuple[str, str, str, int, int]:
    return (
        row.role,
        row.step_id or "",
        row.sub_task_id or "",
        row.attempt or 0,
        row.step_attempt or 0,
    )


def check_printed_interactions(finished: Finished) -> None:
    printed = finished.document["interactions"]
    again = run_forge("status", "--workflow-id", finished.workflow_id, "--verbose").stdout

    assert len(printed) == 8
    assert {call["user_prompt"] for call in printed} == {
        exchange.prompts.user for exchange in finished.server.exchanges
    }
    assert all(exchange.prompts.user in again for exchange in finished.server.exchanges)
    assert all((exchange.response_text or "-") in again for exchange in finished.server.exchanges)
    repaired = next(e for e in finished.server.exchanges if "## Previous attempt" in e.prompts.user)
    assert "F821" in repaired.prompts.user
    assert REFUSED in repaired.prompts.user


def check_comparison_of_attempts(finished: Finished) -> None:
    document = run_forge("diff", finished.workflow_id, "--json").document

    validate("call_comparison", document)
    states = {(pair["kind"], pair["name"]): pair["state"] for pair in document["sections"]}
    assert states["failure", ""] == states["finding", "ruff_lint"] == "new"
    assert states["repo_map", ""] == states["task", ""] == "same"
    assert "gone" not in states.values()
    (answer,) = document["answers"]
    assert f"{answer['text_a']}\n" == REFUSED
    assert f"{answer['text_b']}\n" == MENDED


def check_author_of_a_line(finished: Finished) -> None:
    worktree = finished.repo / ".forge-worktrees" / "reports" / "rich"
    calls = {call["sub_task_id"]: call for call in finished.document["interactions"]}

    document = run_forge("blame", str(worktree / "report_styles.py:1"), "--json").document

    validate("blamed_file", document)
    ((author,), (line,)) = document["authors"], document["lines"]
    assert line["text"] == 'NAME = "styles"'
    assert [written["entry_id"] for written in author["calls"]] == [calls["styles"]["entry_id"]]
    assert author["calls"][0]["asked"] == "Write the styles report."
