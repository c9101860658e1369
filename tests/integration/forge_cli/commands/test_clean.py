"""``forge clean`` removes what runs left, and nothing that anybody could miss."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from forge_cli.app import call
from forge_core.git.claim import claim_task
from forge_core.git.commits.commit import commit_files, keep_commit
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.leftovers import list_leftovers
from forge_core.git.worktree import ensure_sub_worktree, ensure_task_worktree
from forge_core.runs.ownership import owned_run
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_obs import record
from support.documents import validate
from support.forge import Outcome
from support.repository import git, make_repository, snapshot

Clean = Callable[..., Outcome]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.py": "a = 1\n"})


@pytest.fixture
def clean(repo: Path, capsys: pytest.CaptureFixture[str]) -> Clean:
    """Run the command on the repository, in this process; nobody is asked."""

    def run(*args: str) -> Outcome:
        code = call(["clean", *args, "--repo", str(repo)])
        return Outcome(code, *capsys.readouterr())

    return run


def leave(repo: Path, task_id: str, *, status: str | None = "success", commits: int = 1) -> Path:
    """Leave behind what a run of this status leaves, and give its worktree."""
    workflow_id = f"forge-{task_id}-1"
    claim_task(repo, task_id, workflow_id)
    head = git(repo, "rev-parse", "HEAD")
    path = ensure_task_worktree(repo, task_id, head).path
    for number in range(commits):
        (path / f"{task_id}.py").write_text(f"x = {number}\n")
        trailers = CommitTrailers(workflow_id, None, number + 1)
        made = commit_files(path, [f"{task_id}.py"], parent=head, subject="x", trailers=trailers)
        head = made or head
    if status is not None:
        record("run", task_id=task_id, workflow_id=workflow_id, status=status)  # type: ignore[call-overload]
    return path


def merge(repo: Path, task_id: str) -> None:
    git(repo, "merge", "--quiet", "--no-edit", f"forge/{task_id}")


def is_gone(repo: Path, task_id: str) -> bool:
    branches = git(repo, "for-each-ref", "--format=%(refname)", f"refs/heads/forge/{task_id}")
    registered = git(repo, "worktree", "list", "--porcelain")
    claim = repo / ".git" / "forge" / "claims" / task_id
    standing = (repo / ".forge-worktrees" / task_id).exists() or claim.exists()
    return not branches and f"/{task_id}\n" not in f"{registered}\n" and not standing


def test_without_a_choice_it_lists_and_removes_nothing(repo: Path, clean: Clean) -> None:
    leave(repo, "merged")
    merge(repo, "merged")
    leave(repo, "apart", status="failure_terminal", commits=2)
    leave(repo, "nothing", status="cancelled", commits=0)
    before = snapshot(repo / ".git" / "refs")

    outcome = clean()

    rows = [line.split()[:4] for line in outcome.stdout.splitlines()[1:4]]
    assert outcome.code == 0
    assert rows == [
        ["apart", "failed", "2", "unmerged"],
        ["merged", "success", "merged", "clean"],
        ["nothing", "cancelled", "empty", "clean"],
    ]
    assert snapshot(repo / ".git" / "refs") == before


def test_repository_without_leftovers_says_so(clean: Clean) -> None:
    assert clean().stdout == "runs left nothing in this repository\n"


def test_merged_runs_go_and_the_others_stay(repo: Path, clean: Clean) -> None:
    for task_id in ("one", "two"):
        leave(repo, task_id)
    merge(repo, "one")
    checkout = snapshot(repo / "a.py")

    outcome = clean("--merged", "--yes")

    assert outcome.code == 0
    assert is_gone(repo, "one")
    assert not is_gone(repo, "two")
    assert snapshot(repo / "a.py") == checkout
    claim_task(repo, "one", "another-run")


def test_branch_that_is_merged_elsewhere_counts_as_merged(repo: Path, clean: Clean) -> None:
    leave(repo, "t")
    git(repo, "branch", "feature", "forge/t")

    assert clean("t", "--yes").code == 0
    assert is_gone(repo, "t")
    assert git(repo, "show", "feature:t.py") == "x = 0"


def test_unmerged_branch_stays_without_force(repo: Path, clean: Clean) -> None:
    leave(repo, "t", commits=2)
    head = git(repo, "rev-parse", "forge/t")

    refused, forced = clean("t", "--yes"), clean("t", "--yes", "--force")

    assert refused.code == 1
    assert "t: kept, branch forge/t has 2 commits that no other branch has" in refused.stdout
    assert forced.code == 0
    assert f"branch forge/t was at {head}" in forced.stdout
    assert is_gone(repo, "t")


def test_changes_of_a_user_in_a_worktree_stay_without_force(repo: Path, clean: Clean) -> None:
    path = leave(repo, "t", commits=0)
    (path / "mine.py").write_text("mine = 1\n")

    assert clean("t", "--yes").code == 1
    assert (path / "mine.py").exists()
    assert clean("t", "--yes", "--force").code == 0
    assert is_gone(repo, "t")


@pytest.mark.parametrize("store", ["on", "off"])
def test_running_run_is_never_touched(
    repo: Path, clean: Clean, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    leave(repo, "t", status="running", commits=0)
    if store == "off":
        monkeypatch.setenv("FORGE_DB_PATH", "")

    with owned_run(StateFiles(get_state_dir()), "forge-t-1"):
        outcome = clean("t", "--yes", "--force")

    assert outcome.code == 1
    assert "t: kept, its run is in progress" in outcome.stdout
    assert not is_gone(repo, "t")


def test_interrupted_run_stays_without_force(repo: Path, clean: Clean) -> None:
    leave(repo, "t", status="running", commits=0)
    interrupt("forge-t-1")

    kept, forced = clean("t", "--yes"), clean("t", "--yes", "--force")

    assert "its run can be resumed" in kept.stdout
    assert forced.code == 0
    assert "t: run forge-t-1 can no longer be resumed" in forced.stdout
    assert "forge cancel forge-t-1 ends it" in forced.stdout
    assert is_gone(repo, "t")


def interrupt(workflow_id: str) -> None:
    """Let a run's process have died."""
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection, connection:
        connection.execute(
            "UPDATE runs SET owner_pid = 999999999, owner_start = 'x' WHERE workflow_id = ?",
            [workflow_id],
        )


@pytest.mark.parametrize("choice", [("t",), ("--merged",), ("--older-than", "0s")], ids=str)
def test_run_of_which_nothing_tells_stays_without_force(
    repo: Path, clean: Clean, monkeypatch: pytest.MonkeyPatch, choice: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")
    leave(repo, "t", status=None, commits=0)

    kept = clean(*choice, "--yes")
    forced = clean(*choice, "--yes", "--force")

    assert "t: kept, it is unknown whether its run has ended: --force removes it" in kept.stdout
    assert "t: run forge-t-1 can no longer be resumed" in forced.stdout
    assert is_gone(repo, "t")


class SlowAnswer:
    """A terminal at which somebody says yes after something has happened."""

    def __init__(self, happening: Callable[[], object]) -> None:
        self._happening = happening

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self._happening()
        return "y\n"


def test_what_changed_while_somebody_was_asked_stays(
    repo: Path, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(repo, "same", commits=0)
    path = leave(repo, "t", commits=0)
    change = SlowAnswer(lambda: (path / "mine.py").write_text("mine = 1\n"))
    monkeypatch.setattr("sys.stdin", change)

    outcome = clean("t", "same")

    assert outcome.code == 1
    assert "t: kept, it has just changed" in outcome.stdout
    assert (path / "mine.py").exists()
    assert is_gone(repo, "same")


def test_branch_that_a_user_has_checked_out_stays(repo: Path, clean: Clean) -> None:
    path = leave(repo, "t")
    git(path, "checkout", "--quiet", "--detach")
    git(repo, "checkout", "--quiet", "forge/t")

    outcome = clean("t", "--yes", "--force")

    assert outcome.code == 1
    assert f"checked out in {repo}" in outcome.stdout
    assert git(repo, "rev-parse", "--abbrev-ref", "HEAD") == "forge/t"


def test_branch_of_nobody_is_left_alone(repo: Path, clean: Clean) -> None:
    git(repo, "branch", "forge/mine")

    assert clean().stdout == "runs left nothing in this repository\n"
    assert clean("mine", "--yes").code == 1


def test_age_chooses_what_ended_before(repo: Path, clean: Clean) -> None:
    leave(repo, "t", commits=0)

    assert "nothing to remove" in clean("--older-than", "1d", "--yes").stdout
    assert "would remove" in clean("--older-than", "0s", "--dry-run").stdout
    assert not is_gone(repo, "t")
    assert clean("--older-than", "0s", "--yes").code == 0
    assert is_gone(repo, "t")


def test_rest_of_sub_tasks_and_a_half_removed_run_go(repo: Path, clean: Clean) -> None:
    path = leave(repo, "t", commits=0)
    head = git(repo, "rev-parse", "HEAD")
    sub = ensure_sub_worktree(repo, "t", "step", "sub", head).path
    keep_commit(repo, "forge-t-1", "step", 1, "sub", head)
    git(repo, "worktree", "remove", "--force", str(path))

    assert clean("t", "--yes").code == 0
    assert not sub.exists()
    assert git(repo, "for-each-ref", "refs/forge") == ""
    assert list_leftovers(repo) == []
    assert is_gone(repo, "t")


def test_nobody_is_asked_off_a_terminal(repo: Path, clean: Clean) -> None:
    leave(repo, "t", commits=0)

    outcome = clean("t")

    assert outcome.code == 2
    assert "give --yes" in outcome.error
    assert not is_gone(repo, "t")


@pytest.mark.parametrize("name", ["../x", "", "-x", ".sub"])
def test_name_that_is_no_task_removes_nothing(repo: Path, clean: Clean, name: str) -> None:
    leave(repo, "t", commits=0)

    assert clean("--yes", "--force", "--", name).code in {1, 2}
    assert not is_gone(repo, "t")


@pytest.mark.parametrize("name", ["parse-dates", "parse", "dates", "forge/parse-dates", "@last"])
def test_run_is_named_by_its_task_a_part_of_it_its_branch_or_as_the_last(
    repo: Path, clean: Clean, name: str
) -> None:
    leave(repo, "fix-retry", commits=0)
    leave(repo, "parse-dates", commits=0)

    assert clean(name, "--yes").code == 0

    assert is_gone(repo, "parse-dates")
    assert not is_gone(repo, "fix-retry")


def test_name_that_fits_several_or_none_removes_nothing(repo: Path, clean: Clean) -> None:
    for task_id in ("parse-dates", "parse-times"):
        leave(repo, task_id, commits=0)

    several, none = clean("parse", "--yes"), clean("arse-dates-", "--yes")

    assert several.code == none.code == 1
    assert several.stderr == "error: 'parse' fits several runs: parse-dates, parse-times\n"
    assert "'arse-dates-' left nothing here: did you mean forge-parse-dates-1" in none.stderr
    assert not is_gone(repo, "parse-dates")
    assert not is_gone(repo, "parse-times")


def test_document_says_what_was_left_and_what_became_of_it(repo: Path, clean: Clean) -> None:
    leave(repo, "merged")
    merge(repo, "merged")
    leave(repo, "apart", status="failure_terminal", commits=2)

    listed, tried, done = (
        clean("--json"),
        clean("--merged", "--dry-run", "--json"),
        clean("merged", "apart", "--yes", "--json"),
    )

    for outcome in (listed, tried, done):
        validate("leftovers", outcome.document)
    assert [(left["task_id"], left["unmerged"]) for left in listed.document["leftovers"]] == [
        ("apart", 2),
        ("merged", 0),
    ]
    assert [left["removed"] for left in tried.document["leftovers"]] == [False]
    assert tried.stderr.startswith("would remove ")
    apart, merged = done.document["leftovers"]
    assert (apart["removed"], apart["can_be_forced"], merged["removed"]) == (False, True, True)
    assert apart["kept"] == "branch forge/apart has 2 commits that no other branch has"
    assert done.code == 1
    assert is_gone(repo, "merged")
