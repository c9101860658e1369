"""``forge blame``: from a line to the call that wrote it, through all that git does to commits."""

import json
from pathlib import Path
from typing import Any

import pytest
from forge_cli.app import call
from forge_core.git.commits.trailers import CommitTrailers, build_message
from support.documents import validate
from support.forge import Outcome
from support.records import WORKFLOW_ID, record_call, record_run
from support.repository import commit_all, git, make_repository, put_files

PLAN = {
    "steps": [
        {"step_id": "parser", "description": "Write the parser."},
        {
            "step_id": "reports",
            "description": "Both reports.",
            "sub_tasks": [
                {"sub_task_id": "one", "description": "The first report."},
                {"sub_task_id": "two", "description": "The second report."},
            ],
        },
    ]
}
PARSER, ONE, TWO = (f"{digit}" * 32 for digit in (1, 2, 3))


def record_answer(entry_id: str, path: str, content: str, **fields: Any) -> None:
    answer = {"files": [{"file_path": path, "content": content}]}
    record_call(entry_id=entry_id, response=json.dumps(answer), **fields)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make a repository whose branch `forge/work` holds a run's two commits."""
    repo = make_repository(tmp_path / "r", {"README.md": "# Work\n"})
    git(repo, "checkout", "--quiet", "-b", "forge/work")
    message = build_message("parser: Write", CommitTrailers(WORKFLOW_ID, "parser", 2, (PARSER,)))
    commit_all(repo, {"parse.py": "import re\nP = re.compile('x')\n"}, message)
    trailers = CommitTrailers(WORKFLOW_ID, "reports", 1, (ONE, TWO))
    files = {"one.py": "ONE = 1\n", "two.py": "TWO = 2\n"}
    commit_all(repo, files, build_message("reports: Both", trailers))
    blobs = {path: git(repo, "rev-parse", f"HEAD:{path}") for path in ("parse.py", *files)}
    attempt = {"attempt": 2, "signal": "success", "changes": [{"path": "parse.py"}]}
    done = [{"step_id": "parser", "status": "success", "attempts": [attempt]}]
    record_run(
        result={"plan": PLAN, "step_results": done, "output_files": blobs},
        description="Parse and report",
    )
    record_answer(PARSER, "parse.py", "P", step_id="parser", attempt=2)
    reports = {"step_id": "reports", "step_attempt": 1}
    record_answer(ONE, "one.py", "ONE = 1\n", sub_task_id="one", **reports)
    record_answer(TWO, "two.py", "TWO = 2\n", sub_task_id="two", **reports)
    git(repo, "checkout", "--quiet", "main")
    return repo


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], repo: Path) -> Any:
    def blame(*args: str) -> Outcome:
        code = call(["blame", *args, "--repo", str(repo)])
        return Outcome(code, *capsys.readouterr())

    return blame


def test_line_leads_to_its_call_with_prompt_model_attempt_run_and_cost(
    repo: Path, run: Any
) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge it", "forge/work")

    lines = run("parse.py:2").stdout.split("\n")

    assert lines[:4] == [
        "11111111  line 2",
        "  asked for  Write the parser.",
        f"  run        {WORKFLOW_ID}, success, step parser, attempt 2",
        "  outcome    accepted",
    ]
    text = "\n".join(lines)
    assert "  model      writer-1\n" in text
    assert "  cost       unknown" in text
    assert "  show       forge show 11111111\n" in text
    assert "11111111  2  P = re.compile('x')" in lines


def rebase(repo: Path) -> None:
    commit_all(repo, {"other.md": "x\n"}, "Meanwhile")
    git(repo, "checkout", "--quiet", "forge/work")
    git(repo, "rebase", "--quiet", "main")


def pick(repo: Path) -> None:
    commit_all(repo, {"other.md": "x\n"}, "Meanwhile")
    git(repo, "cherry-pick", "-x", "--signoff", "main..forge/work")


def merge(repo: Path) -> None:
    commit_all(repo, {"other.md": "x\n"}, "Meanwhile")
    git(repo, "merge", "--quiet", "-m", "Merge it", "forge/work")


@pytest.mark.parametrize("move", [rebase, pick, merge])
def test_calls_survive_what_git_does_to_commits(repo: Path, run: Any, move: Any) -> None:
    move(repo)

    assert run("parse.py:1").stdout.startswith("11111111  line 1\n")
    assert run("one.py:1").stdout.startswith("22222222  line 1\n  asked for  The first report.\n")
    assert "sub-task two" in run("two.py:1").stdout


def squash_as_git_does(repo: Path) -> None:
    git(repo, "merge", "--quiet", "--squash", "forge/work")
    git(repo, "commit", "--quiet", "--no-edit")


def squash_as_a_forge_does(repo: Path) -> None:
    messages = git(repo, "log", "--reverse", "--format=* %B", "main..forge/work")
    git(repo, "merge", "--quiet", "--squash", "forge/work")
    git(repo, "commit", "--quiet", "-m", f"Work (#12)\n\n{messages}")


def squash_without_a_trace(repo: Path) -> None:
    git(repo, "merge", "--quiet", "--squash", "forge/work")
    git(repo, "commit", "--quiet", "-m", "Work (#12)")


@pytest.mark.parametrize("squash", [squash_as_git_does, squash_as_a_forge_does])
def test_squash_is_said_with_the_call_that_its_answer_gives_away(
    repo: Path, run: Any, squash: Any
) -> None:
    squash(repo)

    shown = run("two.py:1").stdout

    assert shown.startswith("squash ")
    assert "by its answer it is probably this call" in shown
    assert "forge show 33333333" in shown


def test_squash_without_a_trace_is_told_by_the_file_that_a_run_left(repo: Path, run: Any) -> None:
    squash_without_a_trace(repo)

    shown = run("parse.py:1").stdout

    assert f"the file is as run {WORKFLOW_ID} left it" in shown
    assert "probably this one" in shown
    assert "forge show 11111111" in shown


def test_line_of_a_person_names_that_person(repo: Path, run: Any) -> None:
    put_files(repo, {"README.md": "# Work\nnot yet\n"})

    lines = run("README.md").stdout.split("\n")

    assert lines[0] == "Test  line 1"
    assert lines[2:4] == [
        "  author     Test <test@example.org>",
        "             not written by Forge: the commit has no trailers of a call",
    ]
    assert "not committed  line 2" in lines


def test_commit_is_told_by_its_calls_and_a_merge_by_what_it_brought(repo: Path, run: Any) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge it", "forge/work")

    fan_out, merged = run("--commit", "forge/work").stdout, run("--commit", "HEAD").stdout

    assert "\n22222222  one.py\n" in fan_out
    assert "\n33333333  two.py\n" in fan_out
    assert "a merge: it brought 2 commits of Forge\n" in merged
    assert "\n11111111  parse.py\n" in merged


def test_call_of_another_machine_is_named_as_the_commit_names_it(repo: Path, run: Any) -> None:
    message = build_message("Else", CommitTrailers("forge-else-1", None, 1, ("f" * 32,)))
    commit_all(repo, {"else.py": "E\n"}, message)

    shown = run("else.py:1").stdout

    assert shown.startswith("ffffffff  line 1\n")
    assert f"call       {'f' * 32}, not on record here" in shown
    assert "run        forge-else-1, attempt 1" in shown


def test_documents_are_what_their_schema_says(repo: Path, run: Any) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge it", "forge/work")

    file, commit = run("one.py", "--json").document, run("--commit", "HEAD", "--json").document

    validate("blamed_file", file)
    validate("blamed_commit", commit)
    assert file["authors"][file["lines"][0]["author"]]["calls"][0]["entry_id"] == ONE
    assert {author["path"] for author in commit["authors"]} == {"parse.py", "one.py", "two.py"}


@pytest.mark.parametrize(
    ("squash", "origin"), [(squash_as_git_does, "squash"), (squash_without_a_trace, "lost")]
)
def test_document_says_of_every_line_where_it_is_from(
    repo: Path, run: Any, squash: Any, origin: str
) -> None:
    squash(repo)
    put_files(repo, {"README.md": "# Work\nnot yet\n"})

    documents = [run(path, "--json").document for path in ("two.py", "README.md")]

    for document in documents:
        validate("blamed_file", document)
    origins = {author["origin"] for document in documents for author in document["authors"]}
    assert origins == {origin, "person", "uncommitted"}


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ([], "name a file"),
        (["README.md", "--commit", "HEAD"], "name a file"),
        (["gone.py"], "there is no file"),
        (["README.md:7"], "has only 1 line"),
        (["README.md:3-2"], "names no lines"),
        (["--commit", "nope"], "there is no commit"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_line_and_exit_code_2(run: Any, args: list[str], reason: str) -> None:
    outcome = run(*args)

    assert (outcome.code, outcome.stdout) == (2, "")
    assert reason in outcome.error


def test_file_whose_name_ends_like_a_line_is_a_file(repo: Path, run: Any) -> None:
    commit_all(repo, {"notes:1": "a\nb\n"}, "Notes")

    assert run("notes:1").stdout.startswith("Test  lines 1-2\n")
    assert run("notes:1:2").stdout.startswith("Test  line 2\n")


def test_hostile_names_and_lines_reach_no_terminal_raw(repo: Path, run: Any) -> None:
    put_files(repo, {"h.py": "\x1b[2J\n"})
    git(repo, "add", "h.py")
    git(repo, "-c", "user.name=\x1b[31mEve", "commit", "--quiet", "-m", "\x1b]0;owned\x07")

    shown = run("h.py").stdout

    assert "\x1b" not in shown
    assert "\x07" not in shown
