"""Questions about a real repository get one answer or one clear line; none changes it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from forge_core.errors import GitFailed, GitMissing, RepositoryError, TaskIdTaken, UsageError
from forge_core.git.claim import claim_task
from forge_core.git.command import Git
from forge_core.git.repository import (
    branch_exists,
    check_task_id_free,
    claim_path,
    common_directory,
    find_repository,
    is_dirty,
    read_claim,
    resolve_commit,
)
from support.children import start_child, wait_for
from support.repository import commit_all, git, make_repository, put_files, snapshot

CLAIMS_AT_ONCE = 6


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"README.md": "# Read me\n", "src/app.py": "x = 1\n"})


def make_bare(path: Path) -> Path:
    git(path.parent, "init", "--quiet", "--bare", str(path))
    return path


def make_empty(path: Path) -> Path:
    path.mkdir()
    git(path, "init", "--quiet")
    return path


def make_file(path: Path) -> Path:
    path.write_text("no directory")
    return path


def make_directory(path: Path) -> Path:
    path.mkdir()
    return path


def make_damaged(path: Path) -> Path:
    make_repository(path, {"a": "a"})
    for directory in (path / ".git/objects").glob("??"):
        shutil.rmtree(directory)
    return path


def make_git_directory(path: Path) -> Path:
    return make_repository(path, {"a": "a"}) / ".git"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "missing", "not a directory"),
        (make_file, "not a directory"),
        (make_directory, "not in a git repository"),
        (make_bare, "bare repository"),
        (make_empty, "no commit yet"),
        (make_damaged, r"damaged, commit \w{12} of HEAD cannot be read: .*`git fsck`"),
        (make_git_directory, r"\.git directory"),
    ],
    ids=["missing", "file", "plain directory", "bare", "no commit", "damaged", "inside .git"],
)
def test_place_that_is_no_usable_repository_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    place = make(tmp_path / "place")

    with pytest.raises(RepositoryError, match=message) as refused:
        find_repository(place)

    assert "\n" not in str(refused.value)
    assert "place" in str(refused.value)


@pytest.mark.parametrize("below", ["", "src", "src/.."])
def test_top_of_the_repository_is_found_from_anywhere_below(repo: Path, below: str) -> None:
    assert find_repository(repo / below) == repo


@pytest.mark.parametrize("name", ["with blank", "ünï", "-dash", "a'b\"c", "$(x)", "*", "a\x1bb"])
def test_repository_may_have_any_name(tmp_path: Path, name: str) -> None:
    repo = make_repository(tmp_path / name, {"a": "a"})

    assert find_repository(repo) == repo
    assert resolve_commit(repo, "main") == git(repo, "rev-parse", "HEAD")


def test_repository_reached_through_a_link_is_found_by_its_real_path(
    repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repo)

    assert find_repository(tmp_path / "link" / "src") == repo


def test_linked_worktree_counts_as_a_checkout_of_its_own(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))

    assert find_repository(tmp_path / "other") == tmp_path / "other"
    assert common_directory(tmp_path / "other") == repo / ".git"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_repository_of_another_user_is_not_called_missing(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 65534, 65534)

    with pytest.raises(RepositoryError, match="dubious ownership"):
        find_repository(repo)


def test_missing_git_is_named(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo))

    with pytest.raises(GitMissing, match="not installed"):
        find_repository(repo)


@pytest.mark.parametrize("ref", [None, "HEAD", "main", "v1", "main~0", "@"])
def test_ref_is_resolved_to_its_commit(repo: Path, ref: str | None) -> None:
    git(repo, "tag", "-a", "-m", "one", "v1")

    assert resolve_commit(repo, ref) == git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "ref",
    [
        "missing",
        "--lock",
        "--output=evil",
        "-h",
        "--all",
        "main:README.md",
        "HEAD^{tree}",
        "main..main",
        "a\nb",
        "a\0b",
        "\ud800",
        "",
        "0" * 40,
        "x" * 5000,
    ],
    ids=ascii,
)
def test_unknown_or_option_like_ref_is_refused_in_one_line(repo: Path, ref: str) -> None:
    before = snapshot(repo)

    with pytest.raises(RepositoryError, match="unknown base branch") as refused:
        resolve_commit(repo, ref)

    assert "\n" not in str(refused.value)
    assert snapshot(repo) == before


def test_clean_checkout_is_not_dirty(repo: Path) -> None:
    assert not is_dirty(repo)


@pytest.mark.parametrize("files", [{"README.md": "changed\n"}, {"new.txt": "n"}], ids=str)
def test_changed_and_untracked_files_make_it_dirty(repo: Path, files: dict[str, str]) -> None:
    put_files(repo, files)

    assert is_dirty(repo)


def test_looking_for_changes_writes_nothing(repo: Path) -> None:
    (repo / "README.md").touch()
    before = snapshot(repo)

    is_dirty(repo)

    assert snapshot(repo) == before


def test_hostile_environment_does_not_lead_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other", {"other": "other"})
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git" / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git" / "objects"),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_NAMESPACE": "evil",
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
    }.items():
        monkeypatch.setenv(name, value)

    found = find_repository(repo), resolve_commit(repo, "main"), is_dirty(repo)

    assert found == (repo, git(repo, "rev-parse", "main"), False)


def test_failure_of_git_is_one_line_with_its_reason(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (repo / ".git" / "config").write_text("[broken\n")

    with pytest.raises(GitFailed, match=r"git rev-parse failed: .*config") as failed:
        common_directory(repo)

    assert "\n" not in str(failed.value)


def test_claim_is_kept_with_the_name_of_its_owner(repo: Path) -> None:
    claim_task(repo, "fix", "forge-fix-1")

    assert read_claim(repo, "fix") == "forge-fix-1"
    assert claim_path(repo, "fix").is_relative_to(repo / ".git")
    assert [path.name for path in claim_path(repo, "fix").parent.iterdir()] == ["fix"]


def test_same_workflow_may_claim_again(repo: Path) -> None:
    claim_task(repo, "fix", "forge-fix-1")

    claim_task(repo, "fix", "forge-fix-1")

    assert read_claim(repo, "fix") == "forge-fix-1"


def test_own_branch_does_not_hinder_the_owner(repo: Path) -> None:
    claim_task(repo, "fix", "forge-fix-1")
    git(repo, "branch", "forge/fix")

    claim_task(repo, "fix", "forge-fix-1")

    assert read_claim(repo, "fix") == "forge-fix-1"


def test_another_workflow_is_told_who_has_it_and_the_way_out(repo: Path) -> None:
    claim_task(repo, "fix", "forge-fix-1")

    with pytest.raises(TaskIdTaken) as taken:
        claim_task(repo, "fix", "forge-fix-2")

    message = str(taken.value)
    assert "forge-fix-1" in message
    assert "--task-id" in message
    assert all(part in message for part in ("forge clean fix", "forge/fix"))
    assert "\n" not in message
    assert read_claim(repo, "fix") == "forge-fix-1"


def test_way_out_leads_out(repo: Path) -> None:
    claim_task(repo, "fix", "forge-fix-1")
    claim_path(repo, "fix").unlink()

    claim_task(repo, "fix", "forge-fix-2")

    assert read_claim(repo, "fix") == "forge-fix-2"


@pytest.mark.parametrize("branch", ["forge/fix", "forge", "forge/fix/more"])
def test_branch_in_the_way_is_refused_and_leaves_no_claim(repo: Path, branch: str) -> None:
    git(repo, "branch", branch)

    with pytest.raises(UsageError, match=branch) as taken:
        claim_task(repo, "fix", "forge-fix-1")

    assert "\n" not in str(taken.value)
    assert read_claim(repo, "fix") is None


def test_branch_that_keeps_every_run_from_its_own_is_named_with_the_way_out(repo: Path) -> None:
    git(repo, "branch", "forge")

    with pytest.raises(TaskIdTaken, match="git branch -m forge <another name>") as refused:
        check_task_id_free(repo, "t")

    assert "another --task-id" not in str(refused.value)
    git(repo, "branch", "-m", "forge", "mine")
    check_task_id_free(repo, "t")


@pytest.mark.parametrize("branch", ["forge/fix-1", "forge/other/fix", "fix", "forgery"])
def test_other_branches_are_not_in_the_way(repo: Path, branch: str) -> None:
    git(repo, "branch", branch)

    check_task_id_free(repo, "fix")
    claim_task(repo, "fix", "forge-fix-1")

    assert read_claim(repo, "fix") == "forge-fix-1"


def test_packed_branch_exists_too(repo: Path) -> None:
    git(repo, "branch", "forge/fix")
    git(repo, "pack-refs", "--all")

    assert branch_exists(repo, "forge/fix")
    assert not branch_exists(repo, "forge/fi")
    with pytest.raises(TaskIdTaken):
        check_task_id_free(repo, "fix")


def test_claims_of_all_checkouts_of_a_repository_are_one(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    claim_task(repo, "fix", "forge-fix-1")

    with pytest.raises(TaskIdTaken, match="forge-fix-1"):
        claim_task(tmp_path / "other", "fix", "forge-fix-2")


def claims(repo: Path, workflow_id: str) -> Callable[[], bool]:
    def claim() -> bool:
        try:
            claim_task(repo, "fix", workflow_id)
        except TaskIdTaken:
            return False
        return True

    return claim


def test_of_processes_that_claim_at_once_exactly_one_wins(repo: Path) -> None:
    workflow_ids = [f"forge-fix-{number}" for number in range(CLAIMS_AT_ONCE)]

    children = [start_child(claims(repo, name)) for name in workflow_ids]
    won = [wait_for(child) for child in children]

    assert won.count(True) == 1
    assert read_claim(repo, "fix") == workflow_ids[won.index(True)]


def test_one_workflow_that_claims_several_times_at_once_always_wins(repo: Path) -> None:
    children = [start_child(claims(repo, "forge-fix-1")) for _ in range(CLAIMS_AT_ONCE)]
    won = [wait_for(child) for child in children]

    assert all(won)


def test_claim_leaves_the_users_files_refs_and_index_alone(repo: Path) -> None:
    commit_all(repo, {"more.py": "m = 1\n"}, "More")
    before = snapshot(repo)

    claim_task(repo, "fix", "forge-fix-1")

    added = {path for path in snapshot(repo) if path not in before}
    assert {path: state for path, state in snapshot(repo).items() if path in before} == before
    assert added == {".git/forge", ".git/forge/claims", ".git/forge/claims/fix"}


def test_common_directory_follows_what_stands_in_the_checkout(tmp_path: Path) -> None:
    repo, moved = make_repository(tmp_path / "repo", {"README.md": "x\n"}), tmp_path / "moved"
    before = common_directory(repo)
    (repo / ".git").rename(moved)
    (repo / ".git").write_text(f"gitdir: {moved}\n")

    assert (before, common_directory(repo)) == (repo / ".git", moved)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        pytest.param({"user.name": "A", "user.email": "a@b"}, False, id="both"),
        pytest.param({"user.name": "A"}, True, id="no address"),
        pytest.param({"user.names": "A", "user.email": "a@b"}, True, id="no name"),
        pytest.param({"user.name": "", "user.email": "a@b"}, True, id="empty name"),
        pytest.param({"user.name": "A", "user.email": ""}, False, id="empty address"),
        pytest.param({}, True, id="none"),
    ],
)
def test_committer_is_forge_only_where_the_user_has_told_git_nothing(
    tmp_path: Path, settings: dict[str, str], *, missing: bool
) -> None:
    repo = make_repository(tmp_path / "repo", {"README.md": "x\n"})
    for key in ("user.name", "user.email"):
        Git(repo).succeeds("config", "--unset-all", key)
    for key, value in settings.items():
        Git(repo).run("config", key, value)

    assert bool(Git(repo).identity()) is missing
