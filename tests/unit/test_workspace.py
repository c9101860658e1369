"""The three distributions keep in step and import each other one way only."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("forge-obs", "forge-core", "forge-cli")
SOURCES = {name: ROOT / "packages" / name / "src" / name.replace("-", "_") for name in PACKAGES}
SHELL_MODULES = {"sqlalchemy", "temporalio.client", "os", "subprocess", "time", "pathlib"}
PURE = [
    SOURCES["forge-cli"] / "config" / "settings.py",
    SOURCES["forge-cli"] / "config" / "provenance.py",
    *sorted((SOURCES["forge-core"] / "context").glob("*.py")),
    *sorted((SOURCES["forge-core"] / "models").glob("*.py")),
    *sorted((SOURCES["forge-core"] / "prompts").glob("*.py")),
    *sorted((SOURCES["forge-cli"] / "render").glob("*.py")),
    *sorted((SOURCES["forge-cli"] / "views").glob("*.py")),
    SOURCES["forge-core"] / "files" / "paths.py",
    SOURCES["forge-core"] / "llm" / "request.py",
    SOURCES["forge-core"] / "tracing" / "attributes.py",
    SOURCES["forge-core"] / "workflows" / "transition.py",
    SOURCES["forge-obs"] / "model" / "entries.py",
]


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

    assert versions == {"2026.11.0"}


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


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("forge-obs", {"forge_core", "forge_cli"}), ("forge-core", {"forge_cli"})],
)
def test_dependencies_point_one_way(package: str, forbidden: set[str]) -> None:
    roots = {module.split(".")[0] for module, _ in read_package_imports(package)}

    assert not roots & forbidden


@pytest.mark.parametrize("path", PURE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pure_module_imports_nothing_that_acts(path: Path) -> None:
    imported = {module for module, _ in read_imports(path)}

    assert not imported & SHELL_MODULES
