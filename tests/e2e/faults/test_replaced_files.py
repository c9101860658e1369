"""Whatever the tests make of a written file or its worktree, the attempt fails, with a reason."""

from pathlib import Path

import pytest
from support.forge import run_forge
from support.repository import git, make_repository
from support.script import answer, write_script

pytestmark = pytest.mark.usefixtures("shared_server")

MISHAPS = {
    "link": "rm a.py; ln -s /etc/passwd a.py",
    "link to a file of its own": "rm a.py; echo x > b.py; ln -s b.py a.py",
    "pipe": "rm a.py; mkfifo a.py",
    "directory": "rm a.py; mkdir a.py; touch a.py/b",
    "repository": "rm a.py; mkdir a.py; git -C a.py init -q",
    "its directory a link": "rm -r deep; mkdir ../elsewhere; ln -s ../elsewhere deep",
    "no git file": "rm .git",
    "broken git file": "echo 'gitdir: nowhere' > .git",
    "git file a directory": "rm .git; mkdir .git",
    "git file a link": "mv .git real; ln -s real .git; rm real",
    "another repository": "rm .git; git init -q",
    "another branch": "git checkout -q -B other",
    "another branch, without its own": "git checkout -q -B other; git branch -q -D forge/t",
    "no worktree": "rm -r $PWD",
    "worktree a link": "mv $PWD ../moved; ln -s moved $PWD",
    "nothing at all": "rm -r $(dirname $PWD)",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})


def write_model(directory: Path) -> str:
    step = {"step_id": "only", "description": "Write.", "target_files": ["a.py", "deep/b.py"]}
    files = [*answer("a.py", "A = 1\n")["files"], *answer("deep/b.py", "B = 1\n")["files"]]
    return write_script(
        directory / "script.json",
        {"role": "planner", "answer": {"steps": [step]}},
        {"role": "llm", "answer": {"files": files, "explanation": "done"}},
    )


OF_A_STEP = ("link", "no git file", "another branch, without its own", "nothing at all")
"""Those that are made in a step of a plan, too: every kind of check says what it found there."""

CASES = [
    *(pytest.param(mishap, (), id=name) for name, mishap in MISHAPS.items()),
    *(pytest.param(MISHAPS[name], ("--plan",), id=f"{name}, planned") for name in OF_A_STEP),
]


@pytest.mark.parametrize(("mishap", "options"), CASES)
def test_attempt_fails_and_says_why(
    repo: Path, tmp_path: Path, mishap: str, options: tuple[str, ...]
) -> None:
    head = git(repo, "rev-parse", "HEAD")
    outcome = run_forge(
        *("run", "Do it.", "--task-id", "t", "--repo", str(repo), "--json", *options),
        *("--model", write_model(tmp_path), "--run-tests", "--test-command", mishap),
    )

    assert outcome.code == 1, outcome.stderr
    result = outcome.document["result"]
    attempts = (result["step_results"][0] if options else result)["attempts"]
    assert result["status"] == "failure_terminal"
    assert [attempt["signal"] for attempt in attempts] == ["failure_retryable", "failure_terminal"]
    for attempt in attempts:
        failed = [check for check in attempt["validation_results"] if not check["passed"]]
        assert {check["check_name"] for check in failed} & {"files", "worktree"}
        assert "the tests" in attempt["error"]
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain")) == (head, "")
    if "branch -q -D" not in mishap:
        assert git(repo, "branch", "--format=%(refname:short)", "--list", "forge/*") == "forge/t"
