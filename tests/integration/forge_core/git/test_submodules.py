"""What leads into a submodule is refused before a file is written there."""

from pathlib import Path

import pytest
from forge_core.errors import RefusedPath
from forge_core.git.submodules import refuse_submodules
from forge_core.git.worktree import ensure_task_worktree
from support.repository import add_submodule, make_repository


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo", {"a.txt": "a\n", "lib/own.py": "x = 1\n"})
    add_submodule(repo, "sub")
    base = add_submodule(repo, "lib/sub")
    return ensure_task_worktree(repo, "task", base).path


@pytest.mark.parametrize("path", ["sub/hello.py", "lib/sub/hello.py", "lib/sub/new/hello.py"])
def test_path_below_a_submodule_is_refused_with_its_name(worktree: Path, path: str) -> None:
    with pytest.raises(RefusedPath, match=rf"'{path}' is refused: '(lib/)?sub' is a submodule"):
        refuse_submodules(worktree, ["a.txt", path])


def test_directories_that_a_killed_attempt_made_do_not_hide_it(worktree: Path) -> None:
    (worktree / "sub/new").mkdir()

    with pytest.raises(RefusedPath, match="'sub' is a submodule"):
        refuse_submodules(worktree, ["sub/new/hello.py"])


@pytest.mark.parametrize("path", ["a.txt", "sub.py", "lib/own.py", "lib/new/a.py", "new/a.py"])
def test_path_beside_a_submodule_is_none_of_its_business(worktree: Path, path: str) -> None:
    refuse_submodules(worktree, [path])
