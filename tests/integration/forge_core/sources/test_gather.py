"""Context finds itself in a real worktree: from its targets, in any state of its files."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from forge_core.models.task import ContextConfig
from forge_core.prompts.sections import Materials
from forge_core.sources.cache import SourceCache
from forge_core.sources.gather import ContextRequest, gather
from support.children import NOBODY, run_in_child
from support.repository import commit_all, git, make_repository, put_files

FILES: dict[str, str | bytes] = {
    "README.md": "# shop\n",
    "uv.lock": "lock",
    "logo.png": b"\x89PNG\0",
    "data": b"\0\1",
    "vendor/lib.py": "import shop.cart\n",
    "shop/__init__.py": "from shop.money import Money\n",
    "shop/cart.py": '"""The cart."""\nfrom shop import Money\n\nclass Cart:\n    pass\n',
    "shop/money.py": "from shop import rounding\n\nclass Money:\n    def add(self, other): ...\n",
    "shop/rounding.py": "import shop.modes\ndef round_half(x: int) -> int:\n    return x\n",
    "shop/modes.py": "HALF = 1\n",
    "shop/broken.py": "def broken(:\n",
    "shop/latin.py": b"x = '\xe9'\n",
    "tests/test_cart.py": "from shop.cart import Cart\ndef test_cart(): ...\n",
}
TARGET = "shop/cart.py"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


@pytest.fixture
def cache(tmp_path: Path) -> SourceCache:
    return SourceCache(tmp_path / "cache" / "context.db")


def want(repo: Path, *targets: str, **config: object) -> ContextRequest:
    base = git(repo, "rev-list", "--max-parents=0", "HEAD")
    return ContextRequest(
        worktree=repo,
        base_commit=base,
        config=ContextConfig.model_validate(config),
        task_targets=targets,
        task_description="Work.",
        targets=targets,
        description="Work.",
        context_files=(),
    )


def shown(materials: Materials) -> list[tuple[str, str, bool]]:
    return [
        (found.kind, found.source.path, found.source.text is not None)
        for found in materials.discovered
    ]


def test_target_brings_what_it_imports(repo: Path, cache: SourceCache) -> None:
    materials, _ = gather(want(repo, TARGET), cache)

    assert [file.path for file in materials.targets] == [TARGET]
    assert shown(materials) == [
        ("dependency", "shop/__init__.py", True),
        ("dependency", "shop/money.py", True),
        ("interface", "shop/rounding.py", False),
    ]
    assert [found.reason for found in materials.discovered] == [
        "imported by shop/cart.py",
        "imported by shop/cart.py",
        "imported by shop/money.py, 2 imports away",
    ]
    assert materials.discovered[2].source.outline == "def round_half(x: int) -> int: ..."


def test_import_depth_and_whole_dependencies_are_options(repo: Path, cache: SourceCache) -> None:
    def find(**config: object) -> list[tuple[str, str, bool]]:
        return shown(gather(want(repo, TARGET, **config), cache)[0])

    assert find(max_import_depth=0) == []
    assert [path for _, path, _ in find(max_import_depth=1)] == [
        "shop/__init__.py",
        "shop/money.py",
    ]
    assert find(max_import_depth=3)[3:] == [("interface", "shop/modes.py", False)]
    assert find(include_dependencies=True)[2] == ("dependency", "shop/rounding.py", True)


def test_only_named_files_are_shown_without_discovery(repo: Path, cache: SourceCache) -> None:
    request = replace(want(repo, TARGET, auto_discover=False), context_files=("README.md",))

    materials, coverage = gather(request, cache)

    assert materials.discovered == ()
    assert materials.repo_map.text == ""
    assert [file.text for file in materials.context_files] == ["# shop\n"]
    assert coverage.files_discovered == 9 + 1


def test_what_is_left_out_and_what_cannot_be_parsed_is_counted(
    repo: Path, cache: SourceCache
) -> None:
    put_files(repo, {"large.txt": "x" * 1_000_001})

    _, coverage = gather(want(repo, TARGET), cache)

    assert coverage.left_out == {
        "binary or minified": 2,
        "larger than 1 MB": 1,
        "lock file": 1,
        "vendored": 1,
    }
    assert [entry.split(":")[0] for entry in coverage.unparsed] == [
        "shop/broken.py",
        "shop/latin.py",
    ]
    assert coverage.files_discovered == 9


def test_map_has_the_target_and_its_callers_before_the_rest(repo: Path, cache: SourceCache) -> None:
    materials, coverage = gather(want(repo, TARGET), cache)

    outlined = [entry.path for entry in materials.repo_map.outlined]
    assert outlined[0] == TARGET
    assert set(outlined) == {
        TARGET,
        "shop/modes.py",
        "shop/money.py",
        "shop/rounding.py",
        "tests/test_cart.py",
    }
    assert "README.md" in materials.repo_map.text
    assert "broken.py" in materials.repo_map.text
    assert "vendor" not in materials.repo_map.text
    assert coverage.ranks[TARGET] == 1


def test_map_stays_the_same_while_the_worktree_changes(repo: Path, cache: SourceCache) -> None:
    before, _ = gather(want(repo, TARGET), cache)
    commit_all(repo, {"shop/tax.py": "from shop import modes\nRATE = 7\n"}, "First step")
    commit_all(repo, {"shop/cart.py": "from shop import tax\n"}, "Second step")
    put_files(repo, {"shop/leftover.py": "X = 1\n"})

    after, _ = gather(replace(want(repo, TARGET), targets=("shop/next.py",)), cache)

    assert after.repo_map == before.repo_map


def test_later_step_sees_what_earlier_ones_wrote(repo: Path, cache: SourceCache) -> None:
    commit_all(repo, {"shop/tax.py": "RATE = 7\n", "shop/cart.py": "import shop.tax\n"}, "A step")
    put_files(repo, {"shop/leftover.py": "X = 1\n"})

    materials, _ = gather(want(repo, TARGET), cache)

    assert materials.targets[0].text == "import shop.tax\n"
    assert ("written_file", "shop/tax.py", True) in shown(materials)
    assert "shop/leftover.py" not in [path for _, path, _ in shown(materials)]


def test_file_that_the_description_names_is_where_the_search_starts(
    repo: Path, cache: SourceCache
) -> None:
    text = "Mend money.py; README.md stays."
    request = replace(want(repo), task_description=text, description=text)

    materials, coverage = gather(request, cache)

    assert shown(materials) == [
        ("dependency", "shop/rounding.py", True),
        ("interface", "shop/modes.py", False),
        ("mentioned_file", "README.md", True),
        ("mentioned_file", "shop/money.py", True),
    ]
    assert coverage.ranks["shop/money.py"] == 1


def test_planner_sees_interfaces_instead_of_files(repo: Path, cache: SourceCache) -> None:
    materials, _ = gather(replace(want(repo, TARGET), interfaces_only=True), cache)

    assert shown(materials) == [
        ("interface", "shop/money.py", False),
        ("interface", "shop/rounding.py", False),
    ]


@pytest.mark.parametrize("targets", [("README.md",), ("docs/new.md",), ("shop/new.py",)])
def test_without_imports_to_follow_the_best_ranked_interfaces_are_shown(
    repo: Path, cache: SourceCache, targets: tuple[str, ...]
) -> None:
    found = shown(gather(want(repo, *targets), cache)[0])

    assert ("interface", "shop/rounding.py", False) in found
    assert {kind for kind, _, _ in found} == {"interface"}


def test_second_worktree_of_a_repository_reads_nothing_again(
    repo: Path, cache: SourceCache, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other))
    first, _ = gather(want(repo, TARGET), cache)
    assert cache.path is not None
    before = cache.path.read_bytes()

    second, _ = gather(want(other, TARGET), cache)

    assert second == first
    assert cache.path.read_bytes() == before


def test_file_that_only_gits_objects_have_is_still_in_the_map(
    repo: Path, cache: SourceCache
) -> None:
    expected, _ = gather(want(repo, TARGET), SourceCache(None))
    for path in ("shop/money.py", "shop/modes.py"):
        git(repo, "rm", "--quiet", path)
    commit_all(repo, {}, "Remove")

    materials, _ = gather(want(repo, TARGET), cache)

    assert materials.repo_map == expected.repo_map


def test_odd_files_never_break_it(repo: Path, cache: SourceCache) -> None:
    odd: dict[str, str | bytes] = {"shop/secret.py": "", "a/.git file/x.py": "", "sub/.git": "none"}
    put_files(repo, odd)
    (repo / "shop/secret.py").chmod(0)
    (repo / "shop/link.py").symlink_to("/etc/passwd")
    (repo / "shop/loop.py").symlink_to("loop.py")
    os.mkfifo(repo / "shop/pipe.py")
    Path(os.fsdecode(os.fsencode(repo) + b"/shop/\xff.py")).touch()
    unreadable = ("shop/pipe.py", "shop/link.py", "../outside.py", ".git/config")

    materials, _ = gather(want(repo, TARGET, *unreadable), cache)

    assert [file.path for file in materials.targets if file.text is None] == list(unreadable)


def test_file_that_may_not_be_read_is_counted(repo: Path, cache: SourceCache) -> None:
    put_files(repo, {"shop/secret.py": "X = 1\n"})
    (repo / "shop/secret.py").chmod(0)

    def act() -> bool:
        _, coverage = gather(want(repo, TARGET), cache)
        return coverage.left_out["unreadable"] == 1

    git(repo, "config", "--global", "safe.directory", "*")
    open_to_others(repo)
    assert run_in_child(act, uid=NOBODY if os.geteuid() == 0 else None)


def open_to_others(path: Path) -> None:
    """Let other users walk to a directory below the temporary one."""
    base = Path(tempfile.gettempdir())
    for directory in (path, *path.parents):
        if directory != base and directory.is_relative_to(base):
            directory.chmod(0o755)


def test_file_that_a_sparse_checkout_leaves_out_is_read_from_the_commit(
    repo: Path, cache: SourceCache
) -> None:
    git(repo, "sparse-checkout", "set", "tests")
    assert not (repo / TARGET).exists()

    materials, _ = gather(want(repo, TARGET, "shop/new.py", "shop/latin.py"), cache)

    target, new, latin = materials.targets
    assert target.text == FILES[TARGET]
    assert (new.text, latin.text) == (None, None)


def test_file_that_the_refused_attempt_changed_is_shown_as_it_stands(
    repo: Path, cache: SourceCache
) -> None:
    refused = ("README.md", "README.md", TARGET, "new.py", "data")

    materials, _ = gather(replace(want(repo, TARGET), refused_files=refused), cache)

    changed = [file for file in materials.discovered if file.kind == "changed_file"]
    assert [(file.source.path, file.source.text) for file in changed] == [("README.md", "# shop\n")]


def test_short_files_are_shown_whole_where_no_file_is_named(repo: Path, cache: SourceCache) -> None:
    long = "X = 1\n" + "# not short\n" * 1000
    commit_all(repo, {"shop/long.py": long}, "Add a long file")
    head = git(repo, "rev-parse", "HEAD")
    request = replace(want(repo), base_commit=head)

    unnamed, _ = gather(request, cache)
    named, _ = gather(replace(request, targets=("new.py",)), cache)

    kinds = {file.source.path: (file.kind, file.source.text) for file in unnamed.discovered}
    assert kinds["shop/money.py"] == ("short_file", (repo / "shop/money.py").read_text())
    assert kinds["shop/long.py"] == ("interface", None)
    assert {file.kind for file in named.discovered} == {"interface"}
