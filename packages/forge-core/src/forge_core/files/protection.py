"""Files that decide what a check, a build or a tool executes, pure.

A model may change the code under test, not the judge. Patterns are those of `fnmatch`, in the form
that `fold_path` gives, and hold at every depth of the tree.

See D60.
"""

import fnmatch
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from forge_core.errors import RefusedPath
from forge_core.files.paths import fold_path

NAMES: Mapping[str, tuple[str, ...]] = {
    "decides what the tests run": (
        "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml",
        "forge.toml", "tox.ini", "tox.toml", "noxfile.py", ".coveragerc", ".coveragerc.toml",
        "jest.config.*", "vitest.config.*", "vitest.workspace.*", "playwright.config.*",
        "cypress.config.*", "karma.conf.*", ".mocharc.*", "phpunit.xml", "phpunit.xml.dist",
        ".rspec",
    ),
    "decides how the code is judged": (
        "ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", "pyrightconfig.json", ".flake8",
        ".pylintrc", "pylintrc", ".bandit", ".eslintrc", ".eslintrc.*", "eslint.config.*",
        ".prettierrc", ".prettierrc.*", "prettier.config.*", "biome.json", "biome.jsonc",
        ".golangci.*", "clippy.toml", ".clippy.toml", ".rubocop.yml",
    ),
    "decides how the project is built": (
        "pyproject.toml", "setup.py", "setup.cfg", "hatch.toml", "hatch_build.py", "uv.toml",
        "poetry.toml", "pdm.toml", "pipfile", "package.json", ".npmrc", ".yarnrc", ".yarnrc.yml",
        ".pnpmfile.cjs", "babel.config.*", ".babelrc", ".babelrc.*", "vite.config.*",
        "webpack.config.*", "rollup.config.*", "turbo.json", "nx.json",
        "cargo.toml", "build.rs", "build.gradle", "build.gradle.kts", "settings.gradle",
        "settings.gradle.kts", "gradle.properties", "gradlew", "pom.xml", "mvnw",
        "gemfile", "rakefile", "*.gemspec", "composer.json",
        "makefile", "gnumakefile", "*.mk", "justfile", ".justfile", "taskfile.yml", "taskfile.yaml",
        "cmakelists.txt", "*.cmake", "meson.build", "configure", "configure.ac",
        "build.bazel", "workspace", "workspace.bazel", "module.bazel", ".bazelrc",
    ),
    "is executed by the interpreter or the shell by itself": (
        "sitecustomize.py", "usercustomize.py", "*.pth", ".env", ".env.local", ".env.test",
        ".envrc", ".tool-versions", ".python-version", "mise.toml", ".mise.toml",
    ),
    "steers git": (
        ".gitattributes", ".gitmodules", ".gitconfig", ".lfsconfig",
        ".pre-commit-config.yaml", ".pre-commit-config.yml", ".pre-commit-hooks.yaml",
        "lefthook.yml", "lefthook.yaml", ".lintstagedrc", ".lintstagedrc.*",
    ),
    "decides what continuous integration runs": (
        ".gitlab-ci.yml", ".travis.yml", ".appveyor.yml", "appveyor.yml", "azure-pipelines.yml",
        "bitbucket-pipelines.yml", ".cirrus.yml", ".drone.yml", ".woodpecker.yml", "jenkinsfile",
        "cloudbuild.yaml", "cloudbuild.yml",
    ),
    "makes a developer's tools run commands": (".mcp.json", "*.code-workspace"),
    "stands in for a test tool": ("pytest.py", "unittest.py", "pluggy.py", "nox.py", "tox.py"),
}  # fmt: skip
"""Names of files, by what makes them special."""

DIRECTORIES: Mapping[str, tuple[str, ...]] = {
    "decides how the project is built": (".cargo", ".mvn", ".yarn"),
    "steers git": (".husky", ".githooks"),
    "decides what continuous integration runs": (
        ".github", ".gitlab", ".gitea", ".forgejo", ".circleci", ".buildkite", ".woodpecker", ".ci",
    ),
    "makes a developer's tools run commands": (
        ".vscode", ".idea", ".devcontainer", ".claude", ".cursor",
    ),
    "stands in for an installed package": (
        ".venv", "venv", "site-packages", "node_modules", "__pycache__", ".tox", ".nox", "_pytest",
    ),
}  # fmt: skip
"""Names of directories in which everything is special."""

INTERPRETERS = frozenset({"sh", "bash", "dash", "zsh", "python", "python3", "node", "ruby", "perl"})
"""Commands whose first argument is the script that they run."""

SEPARATORS = frozenset(";&|()")
"""Characters of the shell's operators, after which another command begins."""

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WritePolicy:
    """What an answer may write besides ordinary files."""

    target_files: Sequence[str] = ()
    """Files that the user named. Those of a plan do not count: a model made it."""
    allow_protected: bool = False
    commands: Sequence[str] = ()
    """Shell commands that judge the files; the scripts that they run are protected too."""

    def check(self, paths: Sequence[str]) -> None:
        """Check that the user let every protected file among `paths` be written.

        Raises:
            RefusedPath: One is protected; the message names all such files and why.
        """
        if self.allow_protected:
            return
        scripts = {script for command in self.commands for script in find_scripts(command)}
        reasons = {
            path: "is run by a check" if path in scripts else find_protection(path)
            for path in paths
            if path not in self.target_files
        }
        refused = [f"{path!r} {reason}" for path, reason in reasons.items() if reason]
        if refused:
            raise RefusedPath(
                f"protected: {', '.join(refused)}. Such a file is written only if the user names "
                "it with --target-file or gives --allow-protected-files; leave it out otherwise"
            )


ORDINARY_FILES = WritePolicy()
"""Nothing that is protected."""

ANY_FILE = WritePolicy(allow_protected=True)
"""Everything, where what may be written has been asked before."""


def find_protection(path: str) -> str | None:
    """Return why a file is protected; None if it is not."""
    *parents, name = fold_path(path).split("/")
    for reason, patterns in DIRECTORIES.items():
        if any(part in patterns for part in parents):
            return reason
    for reason, patterns in NAMES.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            return reason
    return None


def find_scripts(command: str) -> Iterator[str]:
    """Find the files of the repository that a shell command runs, as far as it says so."""
    before = ";"
    for word in _split(command):
        if ASSIGNMENT.fullmatch(word) and SEPARATORS.issuperset(before):
            continue
        if SEPARATORS.issuperset(before) or PurePosixPath(before).name in INTERPRETERS:
            yield str(PurePosixPath(word))
        before = word


def _split(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("\n", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # An unbalanced quote: the shell refuses it, too.
        return []
