"""Git gets an environment that neither points it elsewhere nor makes it start programs."""

import subprocess

from forge_core.git.command import clean_git_environment


def test_every_variable_that_git_calls_local_is_cleared() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, check=True, text=True
    )
    local = listed.stdout.split()

    kept = clean_git_environment(dict.fromkeys(local, "x"))

    assert local
    assert not set(local) & set(kept)


def test_variables_that_start_programs_are_cleared() -> None:
    hostile = (
        "GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_SSH_COMMAND", "SSH_ASKPASS",
        "GIT_TRACE", "GIT_TRACE2_EVENT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0",
        "GIT_ICASE_PATHSPECS", "GIT_SEQUENCE_EDITOR",
    )  # fmt: skip

    kept = clean_git_environment(dict.fromkeys(hostile, "x"))

    assert not set(hostile) & set(kept)


def test_editor_and_prompts_are_off() -> None:
    environment = clean_git_environment({"GIT_EDITOR": "vi", "GIT_TERMINAL_PROMPT": "1"})

    assert environment["GIT_EDITOR"] == "true"
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert clean_git_environment({"GIT_ASKPASS": "ask"})["GIT_ASKPASS"] == ""


def test_keys_of_models_are_no_business_of_gits_filters() -> None:
    keys = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "TEMPORAL_API_KEY")

    kept = clean_git_environment(dict.fromkeys((*keys, "FORGE_DB_PATH"), "x"))

    assert "x" not in kept.values()


def test_users_configuration_identity_and_path_are_kept() -> None:
    user = {"GIT_CONFIG_GLOBAL": "/c", "GIT_AUTHOR_NAME": "A", "PATH": "/bin", "HOME": "/h"}

    assert user.items() <= clean_git_environment(user).items()
