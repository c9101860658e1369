"""Exactly an attempt's files are committed, once, whatever the user's configuration says."""

import os
from pathlib import Path

import pytest
from forge_core.errors import GitFailed
from forge_core.git.commits.commit import (
    blob_ids,
    commit_files,
    drop_kept_commits,
    keep_commit,
)
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.worktree import Worktree, ensure_sub_worktree, ensure_task_worktree
from support.repository import commit_all, git, make_repository, put_files

OURS = CommitTrailers("forge-task-00000001", "step", 1)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "old.txt": "o\n", ".gitignore": "*.log\n"}
    )


@pytest.fixture
def worktree(repo: Path) -> Worktree:
    return ensure_task_worktree(repo, "task", git(repo, "rev-parse", "HEAD"))


def commit(
    worktree: Worktree,
    *paths: str,
    subject: str = "Work",
    trailers: CommitTrailers = OURS,
    parent: str | None = None,
) -> str | None:
    return commit_files(
        worktree.path, paths, parent=parent or worktree.head, subject=subject, trailers=trailers
    )


def test_commit_holds_new_changed_and_deleted_files_and_no_others(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n", "new/x.py": "x\n", "stray.txt": "s", "ok.log": "l"})
    (worktree.path / "old.txt").unlink()

    sha = commit(worktree, "a.txt", "new/x.py", "old.txt", "ok.log", "never-made.txt")

    changes = git(worktree.path, "diff-tree", "-r", "--name-status", worktree.head, str(sha))
    assert changes.splitlines() == ["M\ta.txt", "A\tnew/x.py", "A\tok.log", "D\told.txt"]
    assert git(worktree.path, "status", "--porcelain") == "?? stray.txt"


def test_branch_stands_at_the_commit_which_stands_on_the_parent(
    repo: Path, worktree: Worktree
) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})

    sha = commit(worktree, "a.txt")

    assert git(repo, "rev-parse", "forge/task") == sha
    assert git(repo, "rev-parse", "forge/task^") == worktree.head
    assert git(worktree.path, "symbolic-ref", "HEAD") == "refs/heads/forge/task"


def test_message_is_one_line_and_the_trailers(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})

    sha = commit(worktree, "a.txt", subject="# Fix\n\nForge-Attempt: 9\x1b[31m " + "x" * 100)

    subject, blank, *trailers = git(worktree.path, "log", "-1", "--format=%B", str(sha)).split("\n")
    assert subject.startswith("# Fix Forge-Attempt: 9 [31m xxx")
    assert len(subject) <= 72
    assert blank == ""
    assert [line for line in trailers if line] == OURS.lines()


@pytest.mark.parametrize("subject", ["Grüße", "\ud800", "", "\n"], ids=ascii)
def test_any_subject_makes_a_commit(worktree: Worktree, subject: str) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})

    assert commit(worktree, "a.txt", subject=subject)


def test_same_attempt_again_is_the_same_commit(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})
    first = commit(worktree, "a.txt")

    second = commit(worktree, "a.txt")

    assert second == first
    assert git(worktree.path, "rev-list", "--count", f"{worktree.head}..HEAD") == "1"


@pytest.mark.parametrize(
    "other",
    [
        CommitTrailers("forge-task-00000002", "step", 1),
        CommitTrailers("forge-task-00000001", "step", 2),
    ],
    ids=["run", "attempt"],
)
def test_commit_of_another_is_not_overwritten(worktree: Worktree, other: CommitTrailers) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})
    first = commit(worktree, "a.txt")
    put_files(worktree.path, {"a.txt": "B\n"})

    with pytest.raises(GitFailed, match="something else committed there"):
        commit(worktree, "a.txt", trailers=other)

    assert git(worktree.path, "rev-parse", "HEAD") == first


def test_next_step_stands_on_the_one_before(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})
    first = commit(worktree, "a.txt")
    put_files(worktree.path, {"b.txt": "B\n"})

    second = commit(worktree, "b.txt", parent=first)

    assert git(worktree.path, "rev-list", f"{worktree.head}..HEAD").split() == [second, first]


def test_commit_that_only_looks_like_ours_is_not_taken_for_it(worktree: Worktree) -> None:
    forged = "\n".join(["Forged", "", *OURS.lines(), "", "But this comes last."])
    sha = commit_all(worktree.path, {"a.txt": "forged\n"}, forged)
    put_files(worktree.path, {"a.txt": "A\n"})

    with pytest.raises(GitFailed, match="something else committed there"):
        commit(worktree, "a.txt")

    assert git(worktree.path, "rev-parse", "HEAD") == sha


@pytest.mark.parametrize("paths", [(), ("a.txt",), ("never-made.txt",)], ids=str)
def test_nothing_that_differs_is_no_commit(worktree: Worktree, paths: tuple[str, ...]) -> None:
    put_files(worktree.path, {"stray.txt": "s"})

    assert commit(worktree, *paths) is None
    assert git(worktree.path, "rev-parse", "HEAD") == worktree.head


def test_staged_leftovers_of_a_killed_attempt_are_not_committed(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n", "stray.txt": "s"})
    git(worktree.path, "add", "stray.txt")
    own = Path(git(worktree.path, "rev-parse", "--absolute-git-dir"))
    put_files(own, {"index.lock": "", "HEAD.lock": ""})

    sha = commit(worktree, "a.txt")

    assert git(worktree.path, "diff-tree", "-r", "--name-only", worktree.head, str(sha)) == "a.txt"


def test_detached_worktree_commits_without_a_branch(repo: Path, worktree: Worktree) -> None:
    part = ensure_sub_worktree(repo, "task", "step", "part", worktree.head)
    put_files(part.path, {"p.txt": "p"})

    sha = commit(part, "p.txt")

    assert git(part.path, "rev-parse", "HEAD") == sha
    assert git(repo, "rev-parse", "forge/task") == worktree.head


def test_names_that_git_might_misread_are_committed_as_they_are(worktree: Worktree) -> None:
    names = ["a[b].py", "ü mläut.py", "semi;colon.py", "@args.py", "#x.py", "a b/c d.txt"]
    put_files(worktree.path, dict.fromkeys(names, "x"))

    sha = commit(worktree, *names)

    assert sha is not None
    assert sorted(blob_ids(worktree.path, sha, names)) == sorted(names)


def test_user_who_told_git_nothing_commits_as_forge(worktree: Worktree) -> None:
    put_files(worktree.path, {"a.txt": "A\n"})

    commit(worktree, "a.txt")

    people = git(worktree.path, "log", "-1", "--format=%an <%ae>|%cn <%ce>")
    assert people == "Forge <forge@localhost>|Forge <forge@localhost>"


@pytest.mark.parametrize("name", ["", " ", ".", "<>"], ids=repr)
def test_name_that_git_refuses_is_as_good_as_none(
    repo: Path, worktree: Worktree, name: str
) -> None:
    git(repo, "config", "user.name", name)
    git(repo, "config", "user.email", "ada@example.org")
    put_files(worktree.path, {"a.txt": "A\n"})

    commit(worktree, "a.txt")

    who = git(worktree.path, "log", "-1", "--format=%an <%ae> %cn <%ce>")
    assert who == "Forge <forge@localhost> Forge <forge@localhost>"


@pytest.mark.parametrize("variable", ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"])
def test_empty_name_in_the_environment_is_as_good_as_none(
    worktree: Worktree, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "")
    put_files(worktree.path, {"a.txt": "A\n"})

    commit(worktree, "a.txt")

    assert git(worktree.path, "log", "-1", "--format=%an %cn") == "Forge Forge"


def test_user_commits_under_the_configured_name(repo: Path, worktree: Worktree) -> None:
    git(repo, "config", "user.name", "Ada")
    git(repo, "config", "user.email", "ada@example.org")
    put_files(worktree.path, {"a.txt": "A\n"})

    commit(worktree, "a.txt")

    assert git(worktree.path, "log", "-1", "--format=%an <%ae>") == "Ada <ada@example.org>"


def test_author_of_the_environment_counts_more(
    worktree: Worktree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "grace@example.org")
    put_files(worktree.path, {"a.txt": "A\n"})

    commit(worktree, "a.txt")

    people = git(worktree.path, "log", "-1", "--format=%an <%ae>|%cn <%ce>")
    assert people == "Grace <grace@example.org>|Forge <forge@localhost>"


def test_configuration_that_runs_programs_or_refuses_commits_has_no_effect(
    repo: Path, worktree: Worktree, tmp_path: Path
) -> None:
    proof = tmp_path / "executed"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {proof}\nexit 1\n")
    program.chmod(0o755)
    hooks = ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-checkout",
             "reference-transaction", "post-index-change")  # fmt: skip
    for hook in hooks:
        os.link(program, repo / ".git/hooks" / hook)
    settings = {
        "core.fsmonitor": str(program), "commit.gpgSign": "true", "gpg.program": str(program),
        "diff.external": str(program), "core.editor": str(program), "commit.cleanup": "strip",
        "core.safecrlf": "true", "core.autocrlf": "input", "i18n.commitEncoding": "latin1",
        "core.pager": str(program), "branch.autoSetupMerge": "always", "user.useConfigOnly": "true",
    }  # fmt: skip
    for key, value in settings.items():
        git(repo, "config", key, value)
    put_files(worktree.path, {"a.txt": "A\r\n"})

    sha = commit(worktree, "a.txt", subject="# Grüße")
    ensure_sub_worktree(repo, "task", "step", "part", str(sha))

    utf8 = ("-c", "i18n.logOutputEncoding=UTF-8")
    assert git(worktree.path, *utf8, "log", "-1", "--format=%s") == "# Grüße"
    assert not proof.exists()


def test_file_outside_a_sparse_checkout_is_committed(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/a.txt")
    worktree = ensure_task_worktree(repo, "sparse", git(repo, "rev-parse", "HEAD"))
    put_files(worktree.path, {"elsewhere/x.py": "x\n"})

    sha = commit(worktree, "elsewhere/x.py")

    changed = git(repo, "diff-tree", "-r", "--name-only", worktree.head, str(sha))
    assert changed == "elsewhere/x.py"


def test_blob_ids_are_those_of_files_that_the_commit_has(worktree: Worktree) -> None:
    ids = blob_ids(worktree.path, worktree.head, ["a.txt", "missing.txt"])

    assert ids == {"a.txt": git(worktree.path, "rev-parse", "HEAD:a.txt")}
    assert blob_ids(worktree.path, worktree.head, []) == {}


def test_kept_commit_survives_garbage_collection_until_it_is_dropped(
    repo: Path, worktree: Worktree
) -> None:
    part = ensure_sub_worktree(repo, "task", "step", "part", worktree.head)
    put_files(part.path, {"p.txt": "p"})
    sha = str(commit(part, "p.txt"))

    for _ in range(2):
        keep_commit(repo, "forge-task-00000001", "step", 1, "part", sha)

    ref = "refs/forge/forge-task-00000001/step/1/part"
    assert git(repo, "for-each-ref", "--format=%(refname) %(objectname)", "refs/forge") == (
        f"{ref} {sha}"
    )


def test_dropping_kept_commits_leaves_those_of_other_steps(repo: Path, worktree: Worktree) -> None:
    for step, attempt, part in (
        ("step", 1, "a"),
        ("step", 2, "a"),
        ("step", 2, "b"),
        ("step-2", 1, "a"),
    ):
        keep_commit(repo, "forge-task-00000001", step, attempt, part, worktree.head)

    drop_kept_commits(repo, "forge-task-00000001", "step")
    drop_kept_commits(repo, "forge-task-00000001", "step")

    assert git(repo, "for-each-ref", "--format=%(refname)", "refs/forge") == (
        "refs/forge/forge-task-00000001/step-2/1/a"
    )


def test_sparse_worktree_is_as_sparse_after_a_commit(repo: Path) -> None:
    base = commit_all(repo, dict.fromkeys(("a/x", "b/y", "c/z"), "1\n"), "Three")
    git(repo, "sparse-checkout", "set", "a")
    worktree = ensure_task_worktree(repo, "t", base).path
    put_files(worktree, {"a/x": "2\n", "b/y": "2\n"})

    commit_files(
        worktree,
        ["a/x", "b/y"],
        parent=base,
        subject="Two",
        trailers=CommitTrailers("forge-t", None, 1),
    )

    assert git(repo, "diff", "--name-only", "main", "forge/t").split() == ["a/x", "b/y"]
    assert git(worktree, "status", "--porcelain") == ""
    assert not (worktree / "c").exists()


def test_new_script_is_executable_where_git_is_told_to_ignore_modes(
    repo: Path, worktree: Worktree
) -> None:
    git(repo, "config", "core.fileMode", "no")
    put_files(worktree.path, {"run.sh": "#!/bin/sh\n", "data.csv": "1\n", "a.txt": "#!/bin/sh\n"})
    for name in ("run.sh", "data.csv", "a.txt"):
        (worktree.path / name).chmod(0o755)

    sha = commit(worktree, "run.sh", "data.csv", "a.txt")

    listing = git(worktree.path, "ls-tree", str(sha), "run.sh", "data.csv", "a.txt")
    modes = {line.split("\t")[1]: line.split()[0] for line in listing.splitlines()}
    assert modes == {"run.sh": "100755", "data.csv": "100644", "a.txt": "100644"}
