"""Configuration files, read by the commands; and the options of every command."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from forge_cli.config.files import load_task_defaults
from forge_obs import record
from support.forge import Forge, run_forge
from support.repository import make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.py": "a = 1\n"})


def configure(text: str) -> Path:
    """Write the user's own file."""
    path = Path(os.environ["XDG_CONFIG_HOME"], "forge", "config.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_value_is_shown_with_its_source(
    forge: Forge, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = configure("[run]\nmodel = 'ollama:a'\nmax_attempts = 4\n")
    (repo / "forge.toml").write_text('[validation]\ntest_command = "make \\u001b[2J"\n')
    monkeypatch.setenv("FORGE_MODEL", "ollama:b")

    outcome = forge("config", "--repo", str(repo))

    rows = {line.split()[0]: line for line in outcome.stdout.splitlines() if line}
    assert rows["run.model"].split()[1:] == ["ollama:b", "environment", "FORGE_MODEL"]
    assert rows["run.max_attempts"].split()[1:] == ["4", str(user)]
    assert rows["run.plan"].split()[1:] == ["false", "default"]
    assert "make \\x1b[2J" in rows["validation.test_command"]
    assert rows["validation.test_command"].endswith(str(repo / "forge.toml"))


def test_how_models_are_asked_is_shown_with_its_source(forge: Forge, repo: Path) -> None:
    user = configure("[models.'ollama:*']\ntimeout_s = 1800\n[roles.planner]\ntemperature = 0\n")

    shown = forge("config", "--repo", str(repo)).stdout
    listed = forge("config", "--repo", str(repo), "--json").document["settings"]

    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line}
    assert rows['models."ollama:*".timeout_s'] == ["1800", str(user)]
    assert rows["roles.planner.temperature"] == ["0", str(user)]
    assert {"key": "roles.planner.temperature", "value": 0, "source": str(user)} in listed


def test_address_is_the_profiles_that_the_environment_names(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("[temporal]\naddress = 'localhost:7233'\n")
    profiles = tmp_path / "temporal.toml"
    profiles.write_text('[profile.cloud]\naddress = "cloud.example:7233"\napi_key = "tk-secret"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profiles))
    monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")

    settings = {item["key"]: item for item in forge("config", "--json").document["settings"]}
    shown = forge("config").stdout

    assert settings["temporal.address"]["value"] == "cloud.example:7233"
    assert settings["temporal.address"]["source"] == "TEMPORAL_PROFILE"
    assert "cloud.example:7233" in shown
    assert "environment TEMPORAL_PROFILE" in shown


def test_keys_are_never_shown(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    monkeypatch.setenv("TEMPORAL_API_KEY", "tk-secret")

    text, document = forge("config").stdout, forge("config", "--json").document

    assert "secret" not in text.replace("secret_variables", "")
    assert "ANTHROPIC_API_KEY is set" in text
    assert document["secret_variables"] == ["ANTHROPIC_API_KEY", "TEMPORAL_API_KEY"]


def test_configured_place_of_the_store_counts(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f"[store]\npath = '{tmp_path / 'configured.db'}'\n")

    with_variable = forge("db", "path").stdout
    monkeypatch.delenv("FORGE_DB_PATH")
    without = forge("db", "path").stdout

    assert Path(with_variable.strip()) == tmp_path / "home" / "forge.db"
    assert Path(without.strip()) == tmp_path / "configured.db"
    assert "FORGE_DB_PATH" not in os.environ


def test_option_goes_before_the_configured_value(forge: Forge) -> None:
    for number in range(3):
        record("run", task_id="t", workflow_id=f"w{number}", status="success")
    configure("[status]\nlimit = 1\n")

    assert len(forge("status", "--json").document["runs"]) == 1
    assert len(forge("status", "--json", "--limit", "2").document["runs"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[run\n", "not valid TOML", id="no TOML"),
        pytest.param("[run]\nmodle = 'x'\n", "did you mean run.model?", id="unknown key"),
        pytest.param("[run]\nplan = 1\n", "run.plan must be true or false, not 1", id="type"),
    ],
)
def test_broken_file_is_a_usage_error_that_names_it(forge: Forge, text: str, message: str) -> None:
    path = configure(text)

    outcome = forge("status")

    assert outcome.code == 2
    assert outcome.error.startswith(f"error: {path}: ")
    assert message in outcome.error


def test_value_out_of_an_options_range_names_the_file(forge: Forge, repo: Path) -> None:
    path = configure("[run]\nmax_attempts = 500\n")

    outcome = forge("run", "x", "--repo", str(repo))

    assert outcome.code == 2
    assert "max_attempts" in outcome.error
    assert str(path) in outcome.error


def test_help_is_given_whatever_the_file_says() -> None:
    configure("[broken")

    assert run_forge("--help").code == run_forge("run", "--help").code == 0


def test_cloned_repository_cannot_choose_the_model(forge: Forge, repo: Path) -> None:
    (repo / "forge.toml").write_text("[run]\nmodel = 'ollama:evil'\n")

    outcome = forge("run", "x", "--repo", str(repo))

    assert outcome.code == 2
    assert "run.model cannot be set by a repository" in outcome.error


def test_defaults_of_a_task_are_found_from_below_the_top(repo: Path) -> None:
    (repo / "forge.toml").write_text("[context]\nauto_discover = false\n")
    (repo / "deep").mkdir()

    assert load_task_defaults(repo / "deep")["context"] == {"auto_discover": False}
    assert load_task_defaults(repo.parent)["context"] == {}


THEIRS = "[[checks]]\nname = 'theirs'\ncommand = 'make lint'\n"


def list_names(repo: Path, *, run_checks: bool | None = None) -> tuple[list[str], list[str]]:
    """Give the names of the checks that run in a repository, and of those that do not."""
    rules = load_task_defaults(repo, run_checks=run_checks)["validation"]
    return [check.name for check in rules.get("checks", ())], list(rules.get("skipped_checks", ()))


def test_checks_of_a_repository_run_where_the_user_says_so(repo: Path, tmp_path: Path) -> None:
    (repo / "forge.toml").write_text(THEIRS)
    own = "[[checks]]\nname = 'own'\ncommand = 'true'\n"
    link = tmp_path / "link"
    link.symlink_to(repo)

    configure(own)
    assert list_names(repo) == (["own"], ["theirs"])
    assert list_names(repo, run_checks=True) == (["own", "theirs"], [])

    for place, trusted in ((repo, True), (link, True), (repo.parent, False), (repo / "x", False)):
        configure(f"{own}[trust]\nrepositories = ['{place}']\n")
        assert list_names(repo) == ((["own", "theirs"], []) if trusted else (["own"], ["theirs"]))
    configure(f"{own}[trust]\nrepositories = ['{repo}']\n")
    assert list_names(repo, run_checks=False) == (["own"], ["theirs"])


def test_repository_cannot_trust_itself(forge: Forge, repo: Path) -> None:
    (repo / "forge.toml").write_text(f"[trust]\nrepositories = ['{repo}']\n{THEIRS}")

    outcome = forge("config", "--repo", str(repo))

    assert outcome.code == 2
    assert "trust.repositories cannot be set by a repository" in outcome.stderr


def test_checks_are_shown_with_whose_they_are(forge: Forge, repo: Path) -> None:
    (repo / "forge.toml").write_text(THEIRS)
    user = configure("[[checks]]\nname = 'own'\ncommand = 'true'\nfiles = ['*.c']\n")

    shown = [
        " ".join(line.split()) for line in forge("config", "--repo", str(repo)).stdout.splitlines()
    ]
    document = forge("config", "--repo", str(repo), "--json").document

    assert f"check own true {user}" in shown
    assert (
        f"check theirs make lint {repo / 'forge.toml'} "
        "(skipped: the repository's own, and nobody trusts it)"
    ) in shown
    assert [(check["name"], check["skipped"] is None) for check in document["checks"]] == [
        ("own", True),
        ("theirs", False),
    ]


def test_file_that_is_none_is_refused(forge: Forge, repo: Path) -> None:
    os.mkfifo(repo / "forge.toml")

    outcome = forge("config", "--repo", str(repo))

    assert outcome.code == 2
    assert "not a regular file" in outcome.error


@pytest.mark.parametrize("place", ["before", "after"])
def test_log_of_forge_goes_to_stderr_if_asked_for(forge: Forge, place: str) -> None:
    path = configure("")
    command = ("-v", "db", "path") if place == "before" else ("db", "path", "-v")

    outcome = forge(*command)

    assert outcome.stderr == f"info: configuration: {path}\n"
    assert forge("db", "path").stderr == ""


def test_version_is_one_line() -> None:
    outcome = run_forge("--version")

    assert (outcome.code, outcome.stdout) == (0, f"{version('forge-cli')}\n")
