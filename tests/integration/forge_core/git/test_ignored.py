"""What git ignores is found by its own rules, whatever signs a name has."""

from pathlib import Path

from forge_core.git.repository import find_ignored
from support.repository import make_repository


def test_ignored_names_are_found_and_taken_literally(tmp_path: Path) -> None:
    patterns = "local.py\n/build/\n!kept.log\n*.secret\n\\[a].txt\n"
    repo = make_repository(tmp_path / "repo", {".gitignore": patterns, "app.py": ""})

    names = ["local.py", "deep/local.py", "build/x/y", "[a].txt", "é.secret", "[b].secret"]

    assert find_ignored(repo, [*names, "app.py", "a.txt", "../up", "build.py"]) == names


def test_nothing_is_ignored_without_patterns(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {"app.py": ""})

    assert find_ignored(repo, ["app.py", "new.py"]) == []
    assert find_ignored(repo, []) == []
