"""Every test runs in an environment of its own, without the user's store, keys or identity."""

import gc
import os
import tempfile
from itertools import chain, cycle, groupby, islice
from pathlib import Path

import pytest
from hypothesis import settings
from support.leftovers import (
    nothing_outlives_the_session,
    pytest_sessionfinish,
    pytest_unconfigure,
)
from support.repository import make_repository

__all__ = ["nothing_outlives_the_session", "pytest_sessionfinish", "pytest_unconfigure"]

settings.register_profile("forge", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("forge")

tempfile.gettempdir()  # found once: what is made in this process stays where it always was

gc.disable()  # until everything is collected: hardly anything of that is garbage

SECRETS = ("_API_KEY", "_BASE_URL")

MOST_PROCESSES = 4
"""Each has servers of its own, which take some 700 MB of memory."""

PROCESSES_PER_CPU = 2
"""Half of the time tests wait for servers, deadlines and other processes."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Give each processor two processes that test, but for what ends sooner without."""
    if all(map(_is_soon_done, config.args)):
        return 0
    return min(PROCESSES_PER_CPU * (os.cpu_count() or 1), MOST_PROCESSES)


def _is_soon_done(argument: str) -> bool:
    path = Path(argument.partition("::")[0])
    return path.is_file() or "unit" in path.parts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each process begin with some of the tests that take long, module by module.

    It is given a part of all tests, which others help with when theirs are done: where one had all
    that take long, they would be what is left in the end.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    by_module = groupby(filter(_takes_long, items), key=lambda item: item.path)
    for part, (_, members) in zip(cycle(parts), by_module, strict=False):
        part.extend(members)
    others = iter([item for item in items if not _takes_long(item)])
    for part in parts[:-1]:
        part.extend(islice(others, max(0, len(items) // processes - len(part))))
    items[:] = [*chain(*parts), *others]


def _takes_long(item: pytest.Item) -> bool:
    return "e2e" in item.path.parts


def pytest_collection_finish() -> None:
    """Keep what was collected out of every garbage collection, which takes half the time else."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def private_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point HOME, the state directory, the store and TMPDIR into the test's own directory."""
    home = tmp_path / "home"
    for directory in (home, home / "tmp"):
        directory.mkdir()
    for name in os.environ:
        if name.startswith(("FORGE_", "TEMPORAL_", "OTEL_", "GIT_")) or name.endswith(SECRETS):
            monkeypatch.delenv(name)
    monkeypatch.delenv("HATCH_ENV_ACTIVE", raising=False)  # hints would name it
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("FORGE_SERVER_IDLE_S", "0")
    monkeypatch.setenv("FORGE_DB_PATH", str(home / "forge.db"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make a repository of one file."""
    return make_repository(tmp_path / "repo", {"README.md": "# a repository\n"})
