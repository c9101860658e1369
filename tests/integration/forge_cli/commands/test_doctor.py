"""``forge doctor`` names what is wrong, and what to do about it."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from forge_cli.app import call
from forge_cli.views.finding import judge_git, judge_versions
from forge_core.git.claim import claim_task
from forge_obs import record, upgrade
from support.forge import Outcome
from support.repository import make_repository

Doctor = Callable[..., Outcome]


@pytest.fixture
def doctor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Doctor:
    """Run the command in this process, outside of any repository, with a model that works."""
    monkeypatch.setenv("FORGE_MODEL", "ollama:any")
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> Outcome:
        code = call(["doctor", *args])
        return Outcome(code, *capsys.readouterr())

    return run


def list_findings(outcome: Outcome, level: str = "fail") -> Mapping[str, str]:
    """Give what is said of each subject of a level."""
    looks = outcome.stdout.replace("\n ", " ").splitlines()
    lines = [" ".join(look.split()) for look in looks if look.startswith(f"{level} ")]
    return {line.split()[1]: line for line in lines}


@pytest.fixture
def db_path() -> Path:
    path = Path(os.environ["FORGE_DB_PATH"])
    upgrade(path)
    return path


def test_sound_machine_has_no_findings(doctor: Doctor) -> None:
    outcome = doctor()

    assert outcome.code == 0
    assert [line[:3] for line in outcome.stdout.splitlines()] == ["ok "] * 10


def test_nothing_is_made_by_looking(doctor: Doctor, private_environment: Path) -> None:
    doctor()

    assert list(private_environment.iterdir()) == [private_environment / "tmp"]


@pytest.mark.parametrize(
    ("version", "ok"), [("2.39.5", True), ("2.31.0", True), ("2.30.9", False), ("what?", False)]
)
def test_old_git_is_found(version: str, ok: bool) -> None:
    assert judge_git(version).ok is ok


def test_distributions_of_two_versions_are_found() -> None:
    assert not judge_versions([("a", "1"), ("b", "2")], "3.11").ok


def test_missing_git_is_found(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "install git" in list_findings(doctor())["git"]


def test_server_that_does_not_answer_is_found(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    outcome = doctor()

    assert outcome.code == 1
    assert "127.0.0.1:1: connection refused" in list_findings(outcome)["temporal"]


def test_server_that_answers_is_named(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, temporal_address: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)

    outcome = doctor()

    assert outcome.code == 0
    assert f"{temporal_address}, namespace default" in outcome.stdout


def test_missing_key_is_found_and_no_key_is_shown(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_MODEL", "anthropic:claude")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    outcome = doctor()

    assert "ANTHROPIC_API_KEY" in list_findings(outcome)["model"]
    assert "OPENAI_API_KEY set" in outcome.stdout
    assert "sk-secret" not in outcome.stdout


def test_machine_without_any_model_is_found(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORGE_MODEL")

    outcome = doctor()

    assert outcome.code == 0
    assert "→ set FORGE_MODEL" in list_findings(outcome, "warn")["keys"]


def test_exposed_store_is_found(doctor: Doctor, db_path: Path) -> None:
    db_path.chmod(0o644)

    assert f"chmod 600 {db_path}" in list_findings(doctor(), "warn")["store"]


def test_older_schema_is_found(doctor: Doctor, db_path: Path) -> None:
    with closing(sqlite3.connect(db_path)) as connection, connection:
        connection.execute("DELETE FROM alembic_version")

    assert "forge db upgrade" in list_findings(doctor(), "warn")["store"]


def test_damaged_store_is_found(doctor: Doctor) -> None:
    Path(os.environ["FORGE_DB_PATH"]).write_bytes(b"no database " * 1000)

    assert "damaged" in list_findings(doctor())["store"]


def test_store_that_is_not_there_yet_is_said_to_come(doctor: Doctor) -> None:
    assert "forge.db: created by the first record\n" in doctor().stdout


def test_exposed_state_directory_is_found(doctor: Doctor) -> None:
    directory = Path(os.environ["XDG_STATE_HOME"], "forge")
    directory.mkdir(parents=True)
    directory.chmod(0o755)

    assert f"chmod 700 {directory}" in list_findings(doctor(), "warn")["state"]


def test_configuration_that_others_may_write_is_found(doctor: Doctor) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"], "forge", "config.toml")
    path.parent.mkdir(parents=True)
    path.write_text("")
    path.chmod(0o666)

    assert f"chmod go-w {path}" in list_findings(doctor(), "warn")["configuration"]


def test_leftovers_with_nothing_to_lose_are_found(doctor: Doctor, tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {"a.py": "a = 1\n"})
    for task_id, status in (("done", "success"), ("open", "running")):
        claim_task(repo, task_id, f"forge-{task_id}-1")
        record("run", task_id=task_id, workflow_id=f"forge-{task_id}-1", status=status)  # type: ignore[call-overload]

    outcome = doctor("--repo", str(repo))

    found = list_findings(outcome, "warn")["repository"]
    assert outcome.code == 0
    assert "2 runs left something, 1 safe to remove" in found
    assert "forge clean --merged" in outcome.stdout


def test_configuration_that_ruff_refuses_is_found(doctor: Doctor, tmp_path: Path) -> None:
    pin = 'required-version = "==0.4.4"\n'
    repo = make_repository(tmp_path / "repo", {"ruff.toml": pin})

    outcome = doctor("--repo", str(repo))

    assert outcome.code == 1
    assert "Required version `==0.4.4`" in list_findings(outcome)["ruff"]


def list_lines(outcome: Outcome) -> list[str]:
    looks = outcome.stdout.replace("\n ", " ").splitlines()
    return [" ".join(look.split()) for look in looks]


def test_checks_that_a_repository_would_get_are_named(doctor: Doctor, tmp_path: Path) -> None:
    user = Path(os.environ["XDG_CONFIG_HOME"], "forge", "config.toml")
    user.parent.mkdir(parents=True)
    user.write_text(
        "[[checks]]\nname = 'words'\ncommand = 'cat {files}'\nfiles = ['*.txt']\n"
        "[[checks]]\nname = 'lint'\ncommand = 'no-such-linter {files}'\nfiles = ['*.c']\n"
        "[[checks]]\nname = 'rust'\ncommand = 'no-such-cargo check'\nfiles = ['*.rs']\n"
    )
    theirs = "[[checks]]\nname = 'theirs'\ncommand = './theirs.sh'\n"
    repo = make_repository(tmp_path / "repo", {"a.txt": "", "x.c": "", "forge.toml": theirs})

    outcome = doctor("--repo", str(repo))
    lines = list_lines(outcome)

    assert outcome.code == 1
    assert f"ok check words runs 'cat {{files}}' on 1 file of *.txt, of {user}" in lines
    assert (
        "fail check lint cannot run, no-such-linter: no such command on the PATH: 'no-such-linter "
        f"{{files}}' on 1 file of *.c, of {user} → install it, or correct the check's command"
    ) in lines
    [rust] = [line for line in lines if line.startswith("ok check rust ")]
    assert "no file of this commit needs it" in rust
    [skipped] = [line for line in lines if line.startswith("ok check theirs ")]
    assert "skipped, the repository's own, and nobody trusts it: './theirs.sh'" in skipped
    assert any(line.startswith("ok ruff lints Python errors only") for line in lines)

    user.write_text(f"[trust]\nrepositories = ['{repo}']\n[validation]\ncheck_syntax = false\n")
    trusted = list_lines(doctor("--repo", str(repo)))

    assert any(line.startswith("fail check theirs cannot run, ./theirs.sh: ") for line in trusted)
    assert "ok syntax off by validation.check_syntax" in trusted


def test_document_says_the_same(doctor: Doctor, db_path: Path) -> None:
    db_path.chmod(0o644)

    outcome = doctor("--json")
    checks: dict[str, dict[str, Any]] = {c["subject"]: c for c in outcome.document["checks"]}

    assert outcome.code == 0
    assert outcome.document["ok"] is True
    assert checks["store"]["remedy"] == f"chmod 600 {db_path}"
    assert [checks[subject]["level"] for subject in ("store", "git")] == ["warn", "ok"]


def test_address_that_is_none_is_to_be_corrected(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "foo")

    found = list_findings(doctor())["temporal"]

    assert found.endswith("Temporal address 'foo' is not HOST:PORT → correct or unset it")
