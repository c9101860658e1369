"""``forge clean`` asks the embedded server of runs that are not on record."""

from pathlib import Path

import pytest
from support.forge import run_forge, running_forge
from support.live import Gate, run_options
from support.repository import git

pytestmark = pytest.mark.usefixtures("shared_server")


@pytest.fixture(autouse=True)
def _no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")


def test_run_goes_once_it_is_merged_and_has_ended_and_not_while_it_can_be_resumed(
    repo: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    with running_forge(*run_options(repo, *gate.options)) as process:
        gate.wait()
        process.kill()
    interrupted = run_forge("clean", "--merged", "--yes", "--repo", str(repo))
    assert run_forge("clean", "t", "--force", "--yes", "--repo", str(repo)).code == 0
    gate.let_go()
    assert run_forge(*run_options(repo, *gate.options)).code == 0
    unmerged = run_forge("clean", "t", "--yes", "--repo", str(repo))
    git(repo, "merge", "--quiet", "forge/t")

    merged = run_forge("clean", "--merged", "--yes", "--repo", str(repo))

    assert "t: kept, its run can be resumed" in interrupted.stdout
    assert "t: kept, branch forge/t has 3 commits" in unmerged.stdout
    assert "t: removed" in merged.stdout
    assert not (repo / ".forge-worktrees/t").exists()
