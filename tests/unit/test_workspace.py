"""The three distributions keep in step; which names cross from one to the next is counted."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("forge-obs", "forge-core", "forge-cli")
SOURCES = {name: ROOT / "packages" / name / "src" / name.replace("-", "_") for name in PACKAGES}


def read_project(name: str) -> dict[str, Any]:
    path = ROOT / "packages" / name / "pyproject.toml"
    project: dict[str, Any] = tomllib.loads(path.read_text())["project"]
    return project


def read_imports(path: Path) -> set[tuple[str, str]]:
    """Return (module, name) of every import, name empty for a plain ``import``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module, alias.name) for alias in node.names}
    return found


def read_package_imports(package: str) -> set[tuple[str, str]]:
    return set().union(*(read_imports(path) for path in SOURCES[package].rglob("*.py")))


def test_versions_are_in_lock_step() -> None:
    versions = {read_project(name)["version"] for name in PACKAGES}

    assert len(versions) == 1


@pytest.mark.parametrize("name", PACKAGES)
def test_siblings_are_pinned_exactly(name: str) -> None:
    project = read_project(name)

    siblings = [d for d in project["dependencies"] if d.startswith("forge-")]
    assert all(d.endswith(f"=={project['version']}") for d in siblings)


@pytest.mark.parametrize("name", PACKAGES)
def test_each_distribution_is_typed_and_carries_its_licence(name: str) -> None:
    package = ROOT / "packages" / name

    assert (SOURCES[name] / "py.typed").is_file()
    assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert (package / "README.md").read_text().startswith(f"# {name}")


def test_root_is_a_container_without_a_project() -> None:
    assert "project" not in tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_forge_core_imports_exactly_llmstats_and_record_from_forge_obs() -> None:
    used = {
        (module, name)
        for module, name in read_package_imports("forge-core")
        if module.split(".")[0] == "forge_obs"
    }

    assert used == {("forge_obs", "LLMStats"), ("forge_obs", "record")}
