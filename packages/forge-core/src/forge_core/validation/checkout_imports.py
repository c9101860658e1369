"""Installations that let Python import from the user's checkout where the worktree is meant.

An editable install names directories of the checkout in a ``.pth`` file, or maps packages to them.
What tests import is then the user's file, and what the model wrote is never tested.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from forge_core.files.paths import WORKTREES

PREFIXES = ("VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables that name an environment."""

ENVIRONMENTS = (".venv", "venv")
"""Directories of a checkout in which environments stand."""

SITES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages")

MAPPED = re.compile(r"""['"](/[^'"\n]+)['"]""")
"""An absolute path in a finder that maps packages to directories."""

VARIABLE = "PYTHONPATH"


def put_worktree_first(
    worktree: Path, environ: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return an environment in which Python imports from the worktree, not from the checkout.

    Returns:
        The environment, and the directories of the checkout that it would import from; empty,
        with the environment unchanged, where there are none.
    """
    repo = next((path.parent for path in worktree.parents if path.name == WORKTREES), None)
    if repo is None:
        return dict(environ), ()
    given = [entry for entry in environ.get(VARIABLE, "").split(os.pathsep) if entry]
    roots = dict.fromkeys(
        root
        for path in (*filter(os.path.isabs, given), *_list_installed(repo, environ))
        if (root := _find_root(repo, Path(path))) is not None
    )
    if not roots:
        return dict(environ), ()
    entries = [str(worktree / root) for root in roots]
    path = os.pathsep.join(dict.fromkeys((*entries, *given)))
    return {**environ, VARIABLE: path}, tuple(roots)


def _find_root(repo: Path, path: Path) -> str | None:
    """Return a directory of the checkout relative to it; None for what is elsewhere."""
    resolved, top = path.resolve(), repo.resolve()
    if not resolved.is_relative_to(top) or resolved.is_relative_to(top / WORKTREES):
        return None
    return str(resolved.relative_to(top))


def _list_installed(repo: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """List the directories that installed files add to Python's path or map packages to."""
    for prefix in _list_prefixes(repo, environ):
        for site in (path for pattern in SITES for path in sorted(prefix.glob(pattern))):
            for file in sorted(site.glob("*.pth")):
                yield from (str(site / line) for line in _read_lines(file) if _is_path(line))
            for file in sorted(site.glob("__editable__*.py")):
                text = "\n".join(_read_lines(file))
                yield from (str(Path(path).parent) for path in MAPPED.findall(text))


def _list_prefixes(repo: Path, environ: Mapping[str, str]) -> Sequence[Path]:
    named = [environ[name] for name in PREFIXES if environ.get(name)]
    directories = [entry for entry in environ.get("PATH", "").split(os.pathsep) if entry]
    with_python = [Path(entry).parent for entry in directories if _has_python(Path(entry))]
    local = [repo / name for name in ENVIRONMENTS]
    return list(dict.fromkeys((*map(Path, named), *with_python, *local)))


def _has_python(directory: Path) -> bool:
    return (directory / "python").exists() or (directory / "python3").exists()


def _is_path(line: str) -> bool:
    """Return whether a line of a ``.pth`` file is a path, as Python reads it."""
    return bool(line.strip()) and not line.startswith(("#", "import ", "import\t"))


def _read_lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
