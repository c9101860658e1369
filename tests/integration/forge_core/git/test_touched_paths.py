"""Which files differ from a commit's, in a real repository."""

from pathlib import Path

from forge_core.git.touched_paths import find_missing, find_touched
from support.repository import commit_all, git


def test_files_are_compared_with_the_commit_whether_git_tracks_them_or_not(repo: Path) -> None:
    names = ("same.py", "other.py", "gone.py", "script.py")
    commit_all(repo, dict.fromkeys(names, "A = 1\n") | {".gitignore": "ignored.py\n"}, "Files")
    (repo / "other.py").write_text("A = 2\n")
    (repo / "gone.py").unlink()
    (repo / "script.py").chmod(0o755)
    (repo / "ignored.py").write_text("A = 1\n")
    (repo / "link.py").symlink_to("same.py")

    touched = find_touched(repo, "HEAD", [*names, "ignored.py", "link.py", "never.py"])

    assert touched == {"other.py", "gone.py", "script.py", "ignored.py", "link.py"}


def test_line_endings_that_a_checkout_converts_are_no_difference(repo: Path) -> None:
    commit_all(repo, {".gitattributes": "*.txt eol=crlf\n", "a.txt": "one\ntwo\n"}, "Endings")
    (repo / "a.txt").write_bytes(b"one\r\ntwo\r\n")

    assert find_touched(repo, "HEAD", ["a.txt"]) == frozenset()


def test_files_are_compared_with_the_named_commit_after_a_later_one(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    commit_all(repo, {"a.py": "A = 1\n"}, "Later")

    assert find_touched(repo, base, ["a.py"]) == {"a.py"}


def test_sparse_file_is_not_missing(repo: Path) -> None:
    commit_all(repo, {"lib/a.py": "A = 1\n", "doc/b.py": "B = 1\n"}, "Two")
    git(repo, "sparse-checkout", "set", "doc")

    assert find_missing(repo, "HEAD", ["lib/a.py", "lib", "doc/b.py", "c.py", "-x"]) == (
        "c.py",
        "-x",
    )
