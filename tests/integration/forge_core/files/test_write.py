"""An answer's files are written whole, inside the worktree only, or not at all."""

import itertools
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forge_core.errors import RefusedPath
from forge_core.files.write import find_replaced, write_changes
from forge_core.models.changes import PlannedFile
from support.children import start_child, wait_for
from support.repository import put_files, snapshot
from support.waiting import wait_until

SWAPPED_WRITES = 100


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "worktree"
    put_files(directory, {"README.md": "# Read me\n", "src/app.py": "x = 1\n"})
    return directory


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    put_files(directory, {"precious.txt": "precious\n"})
    return directory


def write(root: Path, *files: tuple[str, str]) -> list[str]:
    return write_changes(root, [plan(root, path, text) for path, text in files])


def plan(root: Path, path: str, text: str | None) -> PlannedFile:
    """Plan on what stands there, as if it were the commit's."""
    base = None
    with suppress(OSError, ValueError):  # Of hostile paths.
        base = (root / path).read_bytes() if (root / path).is_file() else None
    content = None if text is None else text.encode("utf-8", "surrogatepass")
    return PlannedFile(path, base, content)


def test_new_files_and_their_directories_are_made(root: Path) -> None:
    written = write(root, ("src/a/b/new.py", "y = 2\n"), ("top.txt", "t"))

    assert written == ["src/a/b/new.py", "top.txt"]
    assert (root / "src/a/b/new.py").read_text() == "y = 2\n"
    assert (root / "top.txt").read_text() == "t"


def test_answer_without_files_writes_nothing(root: Path) -> None:
    before = snapshot(root)

    assert write(root) == []
    assert snapshot(root) == before


def test_writing_twice_leaves_the_same_files(root: Path) -> None:
    write(root, ("src/app.py", "x = 2\n"), ("new.py", "n = 1\n"))
    once = snapshot(root)

    write(root, ("src/app.py", "x = 2\n"), ("new.py", "n = 1\n"))

    assert snapshot(root) == once


@pytest.mark.parametrize(
    "text", ["", "no newline", "\ufeffbom\n", "ünï 🎉\n", "a\0b", "\r", "\x1b["]
)
def test_content_arrives_byte_for_byte(root: Path, text: str) -> None:
    write(root, ("src/app.py", text))

    assert (root / "src/app.py").read_bytes() == text.encode()


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o644, 0o444])
def test_mode_of_a_file_is_kept(root: Path, mode: int) -> None:
    (root / "src/app.py").chmod(mode)

    write(root, ("src/app.py", "x = 2\n"))

    assert stat.S_IMODE((root / "src/app.py").stat().st_mode) == mode


def test_new_file_follows_the_umask(root: Path) -> None:
    before = os.umask(0o027)
    try:
        write(root, ("new.txt", "n"))
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "new.txt").stat().st_mode) == 0o640


def put_obstacle(kind: str, root: Path, outside: Path) -> str:
    """Put something hostile into the worktree and give the path that meets it."""
    match kind:
        case "link to a directory":
            (root / "lib").symlink_to(outside)
            return "lib/precious.txt"
        case "link to a directory, new file":
            (root / "lib").symlink_to(outside)
            return "lib/new/file.txt"
        case "link to a directory inside":
            (root / "lib").symlink_to("src")
            return "lib/app.py"
        case "link to a file":
            (root / "file.txt").symlink_to(outside / "precious.txt")
        case "dangling link":
            (root / "file.txt").symlink_to(outside / "made.txt")
        case "dangling link as directory":
            (root / "lib").symlink_to(outside / "made")
            return "lib/x.txt"
        case "hard link":
            (root / "file.txt").hardlink_to(outside / "precious.txt")
        case "pipe":
            os.mkfifo(root / "file.txt")
        case "pipe as directory":
            os.mkfifo(root / "lib")
            return "lib/x.txt"
        case "directory":
            (root / "file.txt").mkdir()
        case "file as directory":
            return "README.md/x.txt"
        case "git's own file":
            put_files(root, {".git": "gitdir: elsewhere\n"})
            return ".git"
    return "file.txt"


OBSTACLES = [
    "link to a directory",
    "link to a directory, new file",
    "link to a directory inside",
    "link to a file",
    "dangling link",
    "dangling link as directory",
    "hard link",
    "pipe",
    "pipe as directory",
    "directory",
    "file as directory",
    "git's own file",
]


@pytest.mark.parametrize("kind", OBSTACLES)
def test_obstacle_refuses_the_whole_answer(root: Path, outside: Path, kind: str) -> None:
    path = put_obstacle(kind, root, outside)
    before = snapshot(root), snapshot(outside)

    with pytest.raises(RefusedPath, match="is refused") as refused:
        write(root, ("new/first.py", "1"), ("README.md", "changed"), (path, "evil"))

    assert path in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (snapshot(root), snapshot(outside)) == before


@pytest.mark.parametrize(
    "paths",
    [
        ("a.py", "a.py"),
        ("a.py", "A.py"),
        ("dir/é.py", "dir/e\u0301.py"),
        ("a", "a/b"),
        ("a/b/c", "a/b"),
        ("A/b", "a"),
        ("README.md/x", "other.py"),
        ("ok.py", "../escape.py"),
        ("ok.py", ".git/hooks/post-checkout"),
    ],
    ids=ascii,
)
def test_answer_with_one_bad_path_writes_nothing(root: Path, paths: tuple[str, ...]) -> None:
    before = snapshot(root.parent)

    with pytest.raises(RefusedPath):
        write(root, *((path, "x") for path in paths))

    assert snapshot(root.parent) == before


def test_file_goes_with_the_directories_that_it_leaves_empty(root: Path) -> None:
    put_files(root, {"a/b/c/one.py": "1\n", "a/two.py": "2\n"})

    written = write_changes(root, [plan(root, "a/b/c/one.py", None)])

    assert written == ["a/b/c/one.py"]
    assert sorted(path.name for path in (root / "a").iterdir()) == ["two.py"]


def test_files_are_written_before_others_go(root: Path) -> None:
    files = [plan(root, "src/app.py", None), plan(root, "src/main.py", "x = 1\n")]

    assert write_changes(root, files) == ["src/app.py", "src/main.py"]
    assert [path.name for path in (root / "src").iterdir()] == ["main.py"]


@pytest.mark.parametrize("done", range(4))
def test_what_a_killed_attempt_began_is_brought_to_its_end(root: Path, done: int) -> None:
    put_files(root, {"old.py": "o = 1\n"})
    files = [
        plan(root, "src/app.py", "x = 2\n"),
        plan(root, "new.py", "o = 1\n"),
        plan(root, "old.py", None),
    ]
    for file in files[:done]:
        write_changes(root, [file])

    write_changes(root, files)

    assert (root / "src/app.py").read_text() == "x = 2\n"
    assert (root / "new.py").read_text() == "o = 1\n"
    assert not (root / "old.py").exists()


@pytest.mark.parametrize("content", ["mine\n", None], ids=["write", "remove"])
def test_file_that_somebody_changed_is_left_alone(root: Path, content: str | None) -> None:
    files = [plan(root, "README.md", "# Other\n"), plan(root, "src/app.py", content)]
    (root / "src/app.py").write_text("x = 3\n")
    before = snapshot(root)

    with pytest.raises(RefusedPath, match=r"src/app\.py.*neither the commit's nor the answer's"):
        write_changes(root, files)

    assert snapshot(root) == before


def test_file_that_stands_where_the_commit_has_none_is_left_alone(root: Path) -> None:
    planned = plan(root, "new.py", "n = 1\n")
    put_files(root, {"new.py": "n = 2\n"})

    with pytest.raises(RefusedPath, match="neither"):
        write_changes(root, [planned])


def test_what_checks_have_repaired_is_written_again(root: Path) -> None:
    planned = plan(root, "src/app.py", "x=2\n")
    write_changes(root, [planned])
    (root / "src/app.py").write_text("x = 2\n")

    write_changes(root, [planned], was_checked=True)

    assert (root / "src/app.py").read_text() == "x=2\n"


@pytest.mark.parametrize(
    ("executable", "before", "after"),
    [(True, 0o644, 0o755), (False, 0o755, 0o644), (None, 0o755, 0o755), (True, 0o600, 0o700)],
)
def test_file_becomes_executable_for_who_may_read_it(
    root: Path, executable: bool | None, before: int, after: int
) -> None:
    (root / "src/app.py").chmod(before)
    planned = replace(plan(root, "src/app.py", "#!/bin/sh\n"), executable=executable)

    write_changes(root, [planned])

    assert stat.S_IMODE((root / "src/app.py").stat().st_mode) == after


def test_new_script_is_executable_under_the_umask(root: Path) -> None:
    before = os.umask(0o027)
    try:
        write_changes(root, [PlannedFile("run.sh", None, b"#!/bin/sh\n", executable=True)])
    finally:
        os.umask(before)

    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o750


def test_names_that_git_would_read_as_patterns_are_plain_names_when_allowed(root: Path) -> None:
    names = ["a[b].py", "ü mläut {x}.py", "semi;colon&$x.py", "it's.py", "@args.py", "#x.py", "%d"]

    assert write(root, *((name, "x") for name in names)) == names
    assert all((root / name).read_text() == "x" for name in names)


@contextmanager
def swapping(path: Path, target: Path) -> Iterator[None]:
    """Let another process move a path away and put a link in its place, again and again."""
    swapped = path.parent / "swapped"

    def swap() -> bool:
        for number in itertools.count():
            with suppress(OSError):
                path.rename(path.with_name(f"aside-{number}"))
            with suppress(OSError):
                path.symlink_to(target)
            swapped.touch()
            with suppress(OSError):
                path.unlink()
        return False

    child = start_child(swap)
    try:
        wait_until(swapped.exists, "the first swap")
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        wait_for(child)


@pytest.mark.parametrize("swapped", ["deep", "deep/lib", "deep/lib/app.py"])
@pytest.mark.parametrize("protected", ["outside", ".git"])
def test_swap_for_a_link_by_another_process_never_leads_away(
    root: Path, tmp_path: Path, swapped: str, protected: str
) -> None:
    away = tmp_path / "outside" if protected == "outside" else root / ".git"
    put_files(away, {"lib/app.py": "away\n", "app.py": "away\n"})
    before = snapshot(away)
    target = away / {"deep": "", "deep/lib": "lib", "deep/lib/app.py": "app.py"}[swapped]

    put_files(root, {"deep/lib/app.py": "x = 1\n"})
    with swapping(root / swapped, target):
        for number in range(SWAPPED_WRITES):
            with suppress(RefusedPath, OSError):
                write(root, ("deep/lib/app.py", f"x = {number}\n"))

    assert snapshot(away) == before
    assert list(root.rglob("aside-*"))
    assert not list(root.rglob(".forge-*"))


@pytest.mark.parametrize(
    "path", ["readme.md", "README.MD", "SRC/app.py", "Src/new.py", "src/APP.py"]
)
def test_name_that_differs_from_one_that_stands_only_in_case_is_refused(
    root: Path, path: str
) -> None:
    before = snapshot(root)

    with pytest.raises(RefusedPath, match="some file systems see no difference"):
        write(root, (path, "x"))

    assert snapshot(root) == before


def test_names_that_differ_in_unicode_form_only_are_refused(root: Path) -> None:
    put_files(root, {"caf\u00e9.py": "x = 1\n"})

    with pytest.raises(RefusedPath, match="some file systems see no difference"):
        write(root, ("cafe\u0301.py", "x = 2\n"))


def test_name_that_stands_is_written_although_another_differs_only_in_case(root: Path) -> None:
    put_files(root, {"xt_DSCP.h": "1\n", "xt_dscp.h": "2\n"})

    assert write(root, ("xt_dscp.h", "3\n")) == ["xt_dscp.h"]
    assert (root / "xt_DSCP.h").read_text() == "1\n"


@pytest.mark.parametrize("standing", [("README.md",), (), ("Readme.md",)])
def test_rename_by_case_is_brought_to_its_end_whatever_stands(
    root: Path, standing: tuple[str, ...]
) -> None:
    text = b"# Read me\n"
    (root / "README.md").unlink()
    for name in standing:
        (root / name).write_bytes(text)
    files = [PlannedFile("Readme.md", None, text), PlannedFile("README.md", text, None)]

    write_changes(root, files)

    names = {path.name for path in root.iterdir()}
    assert names == {"Readme.md", "src"}
    assert (root / "Readme.md").read_bytes() == text


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("act", "replaced"),
    [
        (lambda path: path.unlink(), False),
        (lambda path: path.write_text("changed"), False),
        (lambda path: (path.unlink(), path.symlink_to("/etc/passwd")), True),
        (lambda path: (path.unlink(), path.mkdir()), True),
        (put_pipe, True),
        (lambda path: (path.unlink(), path.parent.rmdir(), path.parent.symlink_to("/")), True),
    ],
    ids=["gone", "changed", "link", "directory", "pipe", "linked directory"],
)
def test_what_is_no_file_any_more_is_found(root: Path, act: Any, replaced: bool) -> None:
    act(root / "src/app.py")

    assert find_replaced(root, ["README.md", "src/app.py"]) == ["src/app.py"] * replaced
