"""Environments that lead Python to the checkout, and tests that import from the worktree."""

import subprocess
import sys
from pathlib import Path

import pytest
from forge_core.models.task import ValidationConfig
from forge_core.validation.changed_files import ChangedFiles
from forge_core.validation.checkout_imports import put_worktree_first
from forge_core.validation.checks import validate_files


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """Return a worktree below a checkout, each with a package of its own."""
    repo = tmp_path / "repo"
    worktree = repo / ".forge-worktrees" / "t"
    for root, value in ((repo, 1), (worktree, 2)):
        (root / "src" / "shop").mkdir(parents=True)
        (root / "src" / "shop" / "__init__.py").write_text(f"VALUE = {value}\n")
    return worktree


def make_environment(tmp_path: Path, name: str, text: str) -> Path:
    site = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (site / name).write_text(text)
    return tmp_path / "venv"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("__editable__.shop.pth", "# ours\nimport os\n{repo}/src\n"),
        ("__editable___shop_finder.py", "MAPPING = {{'shop': '{repo}/src/shop'}}\n"),
        ("easy-install.pth", "/somewhere/else\n{repo}/src\n"),
    ],
    ids=["path", "finder", "old"],
)
def test_editable_install_of_the_checkout_is_read_from_the_worktree(
    tmp_path: Path, worktree: Path, name: str, text: str
) -> None:
    venv = make_environment(tmp_path, name, text.format(repo=tmp_path / "repo"))

    environment, roots = put_worktree_first(
        worktree, {"VIRTUAL_ENV": str(venv), "PYTHONPATH": "lib"}
    )

    assert roots == ("src",)
    assert environment["PYTHONPATH"] == f"{worktree / 'src'}:lib"


def test_path_of_the_environment_that_leads_to_the_checkout_is_read_from_the_worktree(
    tmp_path: Path, worktree: Path
) -> None:
    given = f"{tmp_path / 'repo' / 'src'}:/elsewhere"

    environment, _ = put_worktree_first(worktree, {"PYTHONPATH": given})

    assert environment["PYTHONPATH"] == f"{worktree / 'src'}:{given}"


def test_environment_that_leads_elsewhere_is_left_as_it_is(tmp_path: Path, worktree: Path) -> None:
    venv = make_environment(tmp_path, "other.pth", f"/elsewhere\n{worktree}/src\n")
    given = {"VIRTUAL_ENV": str(venv)}

    assert put_worktree_first(worktree, given) == (given, ())
    assert put_worktree_first(tmp_path, given) == (given, ())


def test_tests_import_what_stands_in_the_worktree(
    tmp_path: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "shop.pth").write_text(f"{tmp_path / 'repo' / 'src'}\n")
    monkeypatch.setenv("PATH", f"{venv / 'bin'}:/usr/bin:/bin")
    command = "python -c 'import shop; raise SystemExit(shop.VALUE != 2)'"
    config = ValidationConfig(run_tests=True, test_command=command)

    (verdict,) = [
        result
        for result in validate_files(worktree, ChangedFiles([]), config, lambda: None)
        if result.check_name == "tests"
    ]

    assert verdict.passed, verdict.summary
    assert verdict.summary.endswith(", with the worktree before the editable src")
