"""What a repository, its configuration or a test command plants, git does not run for us."""

import os
from pathlib import Path

import pytest
from forge_core.errors import GitFailed, RefusedPath
from forge_core.git import command as git_command
from forge_core.git.command import Git
from forge_core.git.commits.commit import commit_files
from forge_core.git.commits.gather import gather_commits
from forge_core.git.commits.trailers import CommitTrailers
from forge_core.git.worktree import ensure_sub_worktree, ensure_task_worktree, reset_worktree
from support.children import is_alive
from support.repository import commit_all, git, make_repository, put_files

OURS = CommitTrailers("forge-task-00000001", "step", 1)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """A file that exists if something was run that should not have been."""
    return tmp_path / "proof"


@pytest.fixture
def program(tmp_path: Path, proof: Path) -> Path:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {proof}\ncat\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "src/app.py": "x = 1\n"})


@pytest.fixture
def base(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def worktree(repo: Path, base: str) -> Path:
    return ensure_task_worktree(repo, "task", base).path


def commit(worktree: Path, parent: str, *paths: str) -> str:
    sha = commit_files(worktree, paths, parent=parent, subject="s", trailers=OURS)
    assert sha is not None
    return sha


def test_drivers_of_the_configuration_and_attributes_of_the_tree_are_not_run(
    repo: Path, program: Path, proof: Path
) -> None:
    base = commit_all(repo, {".gitattributes": "* diff=evil merge=evil\n"}, "Attributes")
    for key in ("diff.evil.textconv", "diff.evil.command", "diff.external", "merge.evil.driver",
                "core.askPass", "core.editor", "core.pager", "core.sshCommand",
                "core.fsmonitor", "uploadpack.packObjectsHook", "credential.helper"):  # fmt: skip
        git(repo, "config", key, str(program))
    worktree = ensure_task_worktree(repo, "task", base).path
    part = ensure_sub_worktree(repo, "task", "step", "part", base).path

    put_files(part, {"a.txt": "A\n"})
    sha = commit(part, base, "a.txt")
    paths = gather_commits(worktree, base, {"part": sha})
    commit(worktree, base, *paths)
    reset_worktree(worktree, base)

    assert not proof.exists()


@pytest.mark.parametrize("variable", [None, "GIT_ASKPASS", "SSH_ASKPASS"])
def test_nobody_is_asked_for_a_password(
    repo: Path, program: Path, proof: Path, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "config", "core.askPass", str(program))
    if variable is not None:
        monkeypatch.setenv(variable, str(program))

    with pytest.raises(GitFailed):
        Git(repo).run("credential", "fill", stdin=b"protocol=https\nhost=host.invalid\n\n")

    assert not proof.exists()


def test_git_has_no_terminal_to_ask_on(repo: Path) -> None:
    session = Git(repo).run("-c", "alias.session=!ps -o sid= -p $$", "session")

    assert int(session) != os.getsid(0)


def test_git_whose_filter_hangs_is_given_up_with_it(
    repo: Path, base: str, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_files(repo, {".git/info/attributes": "b.py filter=slow\n"})
    git(repo, "config", "filter.slow.clean", f"echo $$ > {tmp_path}/pid; sleep 100")
    put_files(worktree, {"b.py": "b = 1\n"})
    monkeypatch.setattr(git_command, "TIMEOUT_S", 1.0)

    with pytest.raises(GitFailed, match="did not end within 1 s"):
        commit(worktree, base, "b.py")

    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_keys_are_not_in_the_environment_of_filters(
    repo: Path, base: str, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    put_files(repo, {".git/info/attributes": "b.py filter=spy\n"})
    git(repo, "config", "filter.spy.clean", f"env > {tmp_path}/seen; cat")
    put_files(worktree, {"b.py": "b = 1\n"})

    commit(worktree, base, "b.py")

    assert "PATH=" in (tmp_path / "seen").read_text()
    assert "sk-secret" not in (tmp_path / "seen").read_text()


def test_link_that_took_the_place_of_a_file_is_not_committed(
    repo: Path, base: str, worktree: Path
) -> None:
    (worktree / "src/app.py").unlink()
    (worktree / "src/app.py").symlink_to("/etc/passwd")

    with pytest.raises(RefusedPath, match=r"'src/app\.py' is refused"):
        commit(worktree, base, "src/app.py")

    assert git(repo, "rev-parse", "forge/task") == base


def test_repository_that_took_the_place_of_a_file_is_not_committed(
    repo: Path, base: str, worktree: Path
) -> None:
    (worktree / "src/app.py").unlink()
    make_repository(worktree / "src/app.py", {"inner.txt": "i\n"})

    sha = commit(worktree, base, "src/app.py")

    assert git(repo, "ls-tree", "-r", "--name-only", sha) == "a.txt"


def test_directory_replaced_by_a_link_is_not_committed_through(
    repo: Path, base: str, worktree: Path, tmp_path: Path
) -> None:
    put_files(tmp_path / "outside", {"app.py": "SECRET = 1\n"})
    (worktree / "src").rename(worktree / "aside")
    (worktree / "src").symlink_to(tmp_path / "outside")

    try:
        sha = commit_files(worktree, ["src/app.py"], parent=base, subject="s", trailers=OURS)
    except (GitFailed, RefusedPath):
        sha = None

    files = git(repo, "ls-tree", "-r", "--name-only", sha or base).splitlines()
    assert "SECRET" not in "".join(git(repo, "show", f"{sha or base}:{name}") for name in files)


@pytest.mark.parametrize("act", [reset_worktree, commit], ids=["reset", "commit"])
def test_other_repository_in_place_of_the_worktrees_own_is_not_worked_on(
    repo: Path, base: str, worktree: Path, act: object
) -> None:
    assert callable(act)
    (worktree / ".git").unlink()
    git(worktree, "init", "--quiet", "--initial-branch=forge/task")
    git(worktree, "fetch", "--quiet", str(repo), base)
    git(worktree, "reset", "--hard", "--quiet", base)

    with pytest.raises(GitFailed, match="something changed it"):
        act(worktree, base)

    assert git(worktree, "rev-parse", "HEAD") == base
