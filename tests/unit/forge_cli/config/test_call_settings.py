"""How models are asked is said by patterns, by roles and by options, the last counting most."""

import tomllib
from typing import Any

import pytest
from forge_cli.config.call_settings import Role, resolve_settings
from forge_cli.config.provenance import Provenance, trace_calls
from forge_cli.config.settings import ConfigFile, parse_config
from forge_core.errors import UsageError
from forge_core.models.call.settings import UNSET, CallSettings

USER = "/home/a/config.toml"

FILE = """
[models."openai:*"]
temperature = 1
timeout_s = 60
service_tier = "flex"

[models."openai:gpt-5*"]
temperature = 0.5

[models."openai:gpt-5.2"]
timeout_s = 90

[roles.planner]
reasoning_effort = "high"
temperature = 0
"""


def parse(text: str, *, repository: bool = False) -> ConfigFile:
    return parse_config(USER, tomllib.loads(text), repository=repository)


@pytest.mark.parametrize(
    ("model", "role", "given", "expected"),
    [
        ("anthropic:m", "llm", {}, {}),
        ("openai:o3", "llm", {}, {"temperature": 1, "timeout_s": 60, "service_tier": "flex"}),
        (
            "openai:gpt-5.2",
            "llm",
            {},
            {"temperature": 0.5, "timeout_s": 90, "service_tier": "flex"},
        ),
        ("anthropic:m", "planner", {}, {"reasoning_effort": "high", "temperature": 0}),
        (
            "openai:o3",
            "planner",
            {"temperature": 2},
            {
                "reasoning_effort": "high",
                "temperature": 2,
                "timeout_s": 60,
                "service_tier": "flex",
            },
        ),
    ],
    ids=["nothing", "pattern", "closest pattern", "role", "option"],
)
def test_the_closest_that_was_said_counts(
    model: str, role: Role, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    settings = resolve_settings(parse(FILE).calls, model, role, given)

    assert settings == CallSettings(**expected)


def test_nothing_is_set_where_nobody_said_anything() -> None:
    assert resolve_settings((), "openai:m", "llm", {}) == UNSET


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models = 3", "models must be tables such as"),
        ("[models]\n'gpt*' = {}", "models.gpt\\* is no pattern of models"),
        ("[models]\n'a:b' = 3", "models.a:b must be a table such as"),
        ("[roles.planer]\ntemperature = 1", "unknown key roles.planer: roles are llm and planner"),
        ("[roles.llm]\ntemprature = 1", "roles.llm: unknown key temprature: did you mean temp"),
        ("[roles.llm]\nx = 1", r"unknown key x \(there are temperature, reasoning_effort"),
        ("[roles.llm]\ntemperature = 3", "roles.llm.temperature must be a number from 0 to 2, not"),
        ("[roles.llm]\ntemperature = true", "must be a number from 0 to 2, not True"),
        ("[roles.llm]\ntemperature = nan", "must be a number from 0 to 2, not nan"),
        ("[roles.llm]\nmax_output_tokens = 1.5", "must be a whole number, at least 1, not 1.5"),
        ("[roles.llm]\ntimeout_s = 0", "must be a number above 0 and at most 86400, not 0"),
        ("[roles.llm]\nreasoning_effort = 'much'", "must be one of none, minimal, low, medium"),
    ],
)
def test_fault_is_told_with_file_and_key(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)

    assert str(caught.value).startswith(f"{USER}: ")


@pytest.mark.parametrize("text", ["[models.'a:*']\ntimeout_s = 1", "[roles.llm]\ntimeout_s = 1"])
def test_a_repository_does_not_say_how_models_are_asked(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be set by a repository"):
        parse(text, repository=True)


def test_an_option_that_is_no_value_is_refused() -> None:
    with pytest.raises(UsageError, match="temperature of openai:m: "):
        resolve_settings((), "openai:m", "llm", {"temperature": float("nan")})


def test_every_value_is_listed_with_its_file() -> None:
    listed = trace_calls([parse("[models.'a:*']\ntimeout_s = 1\n[roles.llm]\ntemperature = 0")])

    assert listed == [
        Provenance('models."a:*".timeout_s', 1, USER),
        Provenance("roles.llm.temperature", 0, USER),
    ]
