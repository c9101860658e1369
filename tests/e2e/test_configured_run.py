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
