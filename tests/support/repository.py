"""Git repositories made for a test, and looked at, with a git that nothing configures."""

import atexit
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

KEPT_VARIABLES = ("HOME", "PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=no")


def git(path: Path, *args: str) -> str:
    """Run git in a directory and give its output without the last newline."""
    done = subprocess.run(
        ["git", "--literal-pathspecs", *QUIET, *IDENTITY, *args],
        cwd=path,
        env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"git {args}: {done.stderr.decode(errors='backslashreplace')}"
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def make_repository(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a repository on branch `main` with one commit of these files.

    It is a copy of the first one with them, which takes less, unless somebody configures git.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if Path(os.environ.get("GIT_CONFIG_GLOBAL", "")).is_file():
        _init(path, files)
    else:
        shutil.copytree(_make_template(tuple(sorted(files.items()))), path, symlinks=True)
        git(path, "update-index", "-q", "--refresh")  # of which the files are others now
    return path.resolve()


@cache
def _make_template(files: tuple[tuple[str, str | bytes], ...]) -> Path:
    """Make a repository that stays until the tests end, without git's samples of hooks."""
    path = Path(mkdtemp(prefix="forge-template-")) / "repository"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    _init(path, dict(files))
    for sample in (path / ".git/hooks").glob("*.sample"):
        sample.unlink()
    return path


def _init(path: Path, files: Mapping[str, str | bytes]) -> None:
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    commit_all(path, files, "Start")


def commit_all(path: Path, files: Mapping[str, str | bytes], subject: str) -> str:
    """Write files into a checkout, commit everything there and give the hash."""
    put_files(path, files)
    git(path, "add", "--all", "--force", ".")
    git(path, "commit", "--quiet", "--allow-empty", "-m", subject)
    return git(path, "rev-parse", "HEAD")


def add_submodule(path: Path, name: str) -> str:
    """Commit a submodule that nobody has checked out and give the hash."""
    commit = git(path, "rev-parse", "HEAD")
    git(path, "update-index", "--add", "--cacheinfo", f"160000,{commit},{name}")
    git(path, "commit", "--quiet", "-m", f"Submodule {name}")
    return git(path, "rev-parse", "HEAD")


def put_files(path: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a directory, byte for byte."""
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def snapshot(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Give mode and content (or target) of everything below a directory, by path."""
    seen = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        else:
            content = path.read_bytes() if path.is_file() else b""
        seen[str(path.relative_to(directory))] = (status.st_mode, content)
    return seen
