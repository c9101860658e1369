"""The pages for whoever changes Forge name folders, files, layers and scripts that exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ARCHITECTURE = ROOT / "docs/explanation/architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
HATCH_RUN = re.compile(r"hatch run ((?:[\w-]+:)?[\w-]+)")
PACKAGES = {
    "forge_cli": ROOT / "packages/forge-cli/src/forge_cli",
    "forge_core": ROOT / "packages/forge-core/src/forge_core",
    "forge_obs": ROOT / "packages/forge-obs/src/forge_obs",
}


TOP = (*PACKAGES, "docs", "tests", "packages", "benchmarks")
"""Where a path begins that names something of ours."""
PAGES = [
    CONTRIBUTING,
    *sorted((ROOT / "docs/explanation").glob("*.md")),
    *sorted((ROOT / "docs/decisions").glob("*.md")),
]


def list_paths(name: str) -> list[Path]:
    """List what a path stands for that begins in a package or in one of its folders."""
    if "NAME" in name:
        return [ROOT]
    roots = [root for package in PACKAGES.values() for root in (package.parent, package)]
    return [root / name for root in roots if (root / name).exists()]


def list_folders(package: Path) -> list[str]:
    files = package.rglob("*.py")
    folders = {path.parent.relative_to(package).as_posix() for path in files}
    return sorted(f"{name}/" for name in folders if name != "." and not name.startswith("demo/"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_has_a_line_and_no_other(package: str) -> None:
    section = ARCHITECTURE.read_text().split(f"\n### {package}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\S+/)` \|", section.split("\n### ")[0], re.M)

    assert sorted(rows) == list_folders(PACKAGES[package])


@pytest.mark.parametrize("package", PACKAGES)
def test_picture_shows_the_layers_of_the_import_contracts(package: str) -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]
    [layers] = [c["layers"] for c in contracts if c.get("containers") == [package]]
    picture = ARCHITECTURE.read_text().split(f"[{package}]\n")[1].split("  end\n")[0]

    assert re.findall(r'\["(.*)"\]', picture) == [layer.replace(" | ", " · ") for layer in layers]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_file_that_is_named_exists(page: Path) -> None:
    names = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.read_text())
    ours = [name for name in names if name.endswith(".py") or name.split("/")[0] in TOP]

    assert [name for name in ours if not (ROOT / name).exists() and not list_paths(name)] == []


def test_scripts_that_are_named_are_in_hatch() -> None:
    config = tomllib.loads((ROOT / "hatch.toml").read_text())
    scripts = {*config["envs"]["default"]["scripts"], "forge", "pytest"}
    scripts |= {f"{name}:{script}" for name in config["envs"] for script in scripts}  # inherited
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")]

    used = {name for page in pages for name in HATCH_RUN.findall(page.read_text())}

    assert {"quick", "check", "cov", "docs"} <= used
    assert used - scripts == set()
