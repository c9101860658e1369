"""What configuration files say reaches a run."""

import os
from pathlib import Path

import pytest
from support.forge import run_forge
from support.repository import make_repository
from support.script import answer, write_script


@pytest.mark.usefixtures("shared_server")
def test_user_chooses_model_and_tests_and_the_repository_their_command(tmp_path: Path) -> None:
    script = write_script(tmp_path / "script.json", {"answer": answer()})
    user = Path(os.environ["XDG_CONFIG_HOME"], "forge", "config.toml")
    user.parent.mkdir(parents=True)
    user.write_text(
        f"[run]\nmodel = '{script}'\nmax_attempts = 1\n[validation]\nrun_tests = true\n"
    )
    command = "[validation]\ntest_command = 'echo of the repository; exit 3'\n"
    repo = make_repository(tmp_path / "repo", {"a.py": "a = 1\n", "forge.toml": command})

    outcome = run_forge("run", "Add b.", "--repo", str(repo), "--json")

    result = outcome.document["result"]
    [attempt] = result["attempts"]
    tests = next(c for c in attempt["validation_results"] if c["check_name"] == "tests")
    assert outcome.code == 1
    assert (tests["passed"], tests["summary"][:6]) == (False, "exit 3")
    assert "of the repository" in tests["details"]


@pytest.mark.usefixtures("shared_server")
def test_checks_of_the_user_judge_and_those_of_a_stranger_are_named(tmp_path: Path) -> None:
    model = write_script(
        tmp_path / "script.json",
        {"attempt": 1, "answer": answer("a.txt", "bad\n")},
        {"attempt": 2, "answer": answer("a.txt", "good\n")},
    )
    stolen = tmp_path / "stolen"
    theirs = f"[[checks]]\nname = 'theirs'\ncommand = 'touch {stolen}'\n"
    repo = make_repository(tmp_path / "repo", {"a.txt": "base\n", "forge.toml": theirs})
    run = ("run", "x", "--repo", str(repo), "--model", model, "--json")

    outcome = run_forge(*run, "--check", "words:*.txt=cat {files}; ! grep -q bad {files}")

    first, second = outcome.document["result"]["attempts"]
    verdicts = {check["check_name"]: check for check in second["validation_results"]}
    assert outcome.code == 0
    assert first["error"].startswith("validation failed (words: exit 1 in ")
    assert first["validation_results"][2]["details"] == "bad"
    assert verdicts["words"]["summary"].startswith("exit 0 in ")
    assert verdicts["theirs"]["summary"].startswith("not run: the repository's own forge.toml")
    assert "not run, since the repository names them itself: theirs" in outcome.stderr
    assert not stolen.exists()

    trusted = run_forge(*run, "--run-checks")

    assert trusted.code == 0
    assert stolen.exists()


def test_check_that_cannot_run_is_found_before_the_run(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo", {"a.txt": "base\n"})
    model = write_script(tmp_path / "script.json", {"answer": answer()})

    outcome = run_forge(
        "run", "x", "--repo", str(repo), "--model", model, "--check", "miss=no-such-linter {files}"
    )

    assert outcome.code == 2
    assert outcome.stderr == (
        "error: check 'miss' cannot run: no-such-linter: no such command on the PATH\n"
    )
    assert not (repo / ".forge-worktrees").exists()


@pytest.mark.usefixtures("shared_server")
def test_models_are_asked_as_the_user_configured_and_options_say(tmp_path: Path) -> None:
    step = {"step_id": "b", "description": "Add b.", "target_files": ["b.py"]}
    script = write_script(
        tmp_path / "script.json",
        {"role": "planner", "answer": {"steps": [step]}},
        {"answer": answer("b.py", '"""B."""\n')},
    )
    user = Path(os.environ["XDG_CONFIG_HOME"], "forge", "config.toml")
    user.parent.mkdir(parents=True)
    user.write_text(
        "[models.'scripted:*']\ntemperature = 0.5\nservice_tier = 'flex'\n"
        "[roles.planner]\nreasoning_effort = 'high'\nmax_output_tokens = 900\n"
    )
    repo = make_repository(tmp_path / "repo", {"a.py": "a = 1\n"})
    options = ("--temperature", "0", "--planner-request-timeout", "50")

    outcome = run_forge(
        "run", "Add b.", "--plan", "--repo", str(repo), "--model", script, *options,
        "--verbose", "--json",
    )  # fmt: skip

    planner, writer = (c["params"] for c in outcome.document["interactions"])
    common = {"temperature": 0, "service_tier": "flex", "output_mode": "tool"}
    assert planner.items() >= common.items() | {
        ("reasoning_effort", "high"),
        ("max_tokens", 900),
        ("timeout_s", 50),
    }
    assert writer.items() >= common.items() | {("max_tokens", 16_000), ("timeout_s", 600)}
    assert "reasoning_effort" not in writer


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--temperature", "2.5", "Must be <= 2"),
        ("--temperature", "nan", "temperature"),
        ("--reasoning-effort", "hard", "Choose from"),
        ("--max-output-tokens", "0", "Must be >= 1"),
        ("--max-output-tokens", "100000", "must be larger than max_output_tokens 100000"),
        ("--planner-service-teir", "flex", "--planner-service-tier"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words(
    option: str, value: str, said: str, tmp_path: Path
) -> None:
    script = write_script(tmp_path / "script.json", {"answer": answer()})
    repo = make_repository(tmp_path / "repo", {"a.py": "a = 1\n"})

    outcome = run_forge("run", "x", "--repo", str(repo), "--model", script, option, value)

    assert outcome.code == 2
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr
