"""What an untrusted command may see of Forge's environment."""

import pytest
from forge_core.validation.environment import clean_environment

SECRETS = {
    "ANTHROPIC_API_KEY": "k",
    "OPENAI_API_KEY": "k",
    "AWS_SECRET_ACCESS_KEY": "k",
    "AWS_PROFILE": "k",
    "FORGE_DB_PATH": "k",
    "FORGE_MODEL": "k",
    "TEMPORAL_API_KEY": "k",
    "TEMPORAL_ADDRESS": "k",
    "OTEL_EXPORTER_OTLP_HEADERS": "k",
    "GITHUB_TOKEN": "k",
    "SSH_AUTH_SOCK": "k",
    "GIT_DIR": "k",
    "HTTPS_PROXY": "http://user:password@proxy",
    "RUFF_CONFIG": "k",
    "LD_PRELOAD": "k",
    "PYTHONSTARTUP": "k",
    "path": "k",
}


@pytest.mark.parametrize("name", SECRETS)
def test_variable_that_may_hold_a_secret_is_withheld(name: str) -> None:
    assert clean_environment({name: SECRETS[name]}) == {}


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "XDG_CACHE_HOME"]
)
def test_variable_that_tests_need_is_passed_on(name: str) -> None:
    assert clean_environment({name: "value", **SECRETS}) == {name: "value"}


def test_directory_of_the_caller_is_not_passed_on() -> None:
    assert clean_environment({"PWD": "/elsewhere", "OLDPWD": "/before"}) == {}
