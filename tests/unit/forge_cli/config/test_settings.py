"""Configuration files say only what they may, and stand below the environment."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from forge_cli.config.provenance import Provenance, list_secret_variables, trace_settings
from forge_cli.config.settings import (
    KNOWN,
    SETTINGS,
    ConfigFile,
    accepts,
    build_environment,
    build_options,
    build_task_defaults,
    parse_config,
)
from forge_cli.options.run.run import ModelOptions
from forge_core.errors import UsageError
from forge_core.models.task import ContextConfig, ValidationConfig
from hypothesis import given
from hypothesis import strategies as st

USER = "/home/a/config.toml"
REPOSITORY = "/src/forge.toml"

OF_CHECKS = {"checks", "skipped_checks"}
"""What a file says by tables of their own."""

scalars = st.one_of(
    st.text(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)
)
documents = st.dictionaries(
    st.sampled_from(["run", "validation", "store", "output", "x"]),
    st.one_of(scalars, st.dictionaries(st.text(max_size=8), scalars, max_size=3)),
    max_size=3,
)


def parse(text: str, *, repository: bool = False) -> Mapping[str, Any]:
    path = REPOSITORY if repository else USER
    return parse_config(path, tomllib.loads(text), repository=repository).values


def trace(
    key: str, environ: Mapping[str, str], *files: ConfigFile, default: object = None
) -> Provenance:
    found = trace_settings(environ, files, {key: default})
    return next(item for item in found if item.key == key)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[run]\nmodle = 'x'", "unknown key run.modle: did you mean", id="misspelt"),
        pytest.param("model = 'x'", "unknown key model: keys belong in tables", id="no table"),
        pytest.param("[run]\nplan = 'yes'", "run.plan must be true or false", id="flag"),
        pytest.param("[run]\nmax_attempts = 0", "run.max_attempts must be a whole", id="zero"),
        pytest.param("[run]\nmax_attempts = 101", "must be a whole number from 1 to", id="many"),
        pytest.param("[context]\nmax_import_depth = 1.5", "a whole number from 0 to", id="depth"),
        pytest.param("[context]\nrepo_map_tokens = 1.5", "must be a whole number", id="part"),
        pytest.param("[context]\nchars_per_token = 0", "must be a number above 0", id="nothing"),
        pytest.param("[validation]\ntest_timeout_s = 0", "a number above 0, not 0", id="no time"),
        pytest.param("[run]\nmax_attempts = true", "run.max_attempts must be", id="true"),
        pytest.param("[run]\nmodel = 3", "run.model must be a text, not 3", id="number"),
        pytest.param(
            "[store]\narchive_after = 'soon'",
            "store.archive_after must be an age such as 12h or 7d, not 'soon'",
            id="age",
        ),
        pytest.param("[store]\npath = 'a.db'", "store.path must be an absolute", id="relative"),
        pytest.param("[validation]\ntest_timeout_s = inf", "must be a number", id="endless"),
    ],
)
def test_fault_is_told_with_file_and_key(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)

    assert str(caught.value).startswith(f"{USER}: ")


@given(documents)
def test_any_document_is_accepted_or_refused_in_words(document: dict[str, Any]) -> None:
    try:
        said = str(parse_config(USER, document, repository=True))
    except UsageError as error:
        said = str(error)

    assert USER in said


def test_repository_decides_only_how_its_code_is_checked_and_shown() -> None:
    allowed = {setting.key for setting in SETTINGS if setting.in_repository}

    assert {key.split(".")[0] for key in allowed} == {"validation", "context"}
    assert not allowed & {"validation.run_tests", "context.token_budget"}


@pytest.mark.parametrize(
    "setting", [s for s in SETTINGS if not s.in_repository], ids=lambda s: s.key
)
def test_key_of_the_user_is_refused_in_a_repository(setting: Any) -> None:
    table, _, name = setting.key.partition(".")

    with pytest.raises(UsageError, match=f"{setting.key} cannot be set by a repository"):
        parse_config(REPOSITORY, {table: {name: "x"}}, repository=True)


@pytest.mark.parametrize(
    ("table", "model"), [("validation", ValidationConfig), ("context", ContextConfig)]
)
def test_every_key_of_a_task_file_table_can_be_configured(table: str, model: Any) -> None:
    keys = {key for key in KNOWN if key.startswith(f"{table}.")}

    assert keys == {f"{table}.{name}" for name in set(model.model_fields) - OF_CHECKS}


@pytest.mark.parametrize("value", [-1, 0, 0.5, 1, 1.5, 20, 21, 100_001, 2**63, "x", False], ids=str)
@pytest.mark.parametrize(
    ("table", "model"), [("validation", ValidationConfig), ("context", ContextConfig)]
)
def test_value_that_passes_is_one_that_a_task_takes(table: str, model: Any, value: object) -> None:
    # What the budget and the answer's reserve ask of each other is the model's alone to say.
    for name in set(model.model_fields) - {"token_budget", "output_reserve"} - OF_CHECKS:
        if accepts(KNOWN[f"{table}.{name}"], value):
            assert getattr(model.model_validate({name: value}), name) == value


def test_every_key_of_run_is_an_option() -> None:
    keys = {key.removeprefix("run.") for key in KNOWN if key.startswith("run.")}

    assert keys == {field.name for field in fields(ModelOptions)}


def test_values_become_variables_that_are_not_set() -> None:
    values = parse("[store]\npath = '~/x.db'\n[temporal]\nui = false\n[run]\nmodel = 'ollama:a'")

    assert build_environment(values, {"FORGE_MODEL": "b:c"}) == {"FORGE_DB_PATH": "~/x.db"}


def test_variable_of_temporal_goes_before_the_configured_address() -> None:
    values = parse("[temporal]\naddress = 'a:1'")

    assert build_environment(values, {"TEMPORAL_ADDRESS": "b:2"}) == {}


@pytest.mark.parametrize(
    ("key", "name", "counts"),
    [
        pytest.param("temporal.address", "FORGE_TEMPORAL_ADDRESS", False, id="address"),
        pytest.param("temporal.address", "TEMPORAL_ADDRESS", False, id="Temporal's address"),
        pytest.param("run.model", "FORGE_MODEL", False, id="model"),
        pytest.param("store.path", "FORGE_DB_PATH", True, id="store, which it turns off"),
        pytest.param("output.pager", "FORGE_PAGER", True, id="pager, which it turns off"),
    ],
)
def test_empty_variable_counts_only_where_it_says_something(
    key: str, name: str, *, counts: bool
) -> None:
    file = ConfigFile("/config.toml", {key: "/a"})

    put_in = build_environment(file.values, {name: ""})
    [traced] = [found for found in trace_settings({name: ""}, [file], {}) if found.key == key]

    assert (put_in == {}) is counts
    assert (traced.value, traced.source) == (("", name) if counts else ("/a", "/config.toml"))


@pytest.mark.parametrize("name", ["TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"])
def test_profile_of_the_environment_goes_before_the_configured_address(name: str) -> None:
    values = parse("[temporal]\naddress = 'a:1'")

    assert build_environment(values, {name: "b"}) == {}
    assert build_environment(values, {name: ""}) == {"FORGE_TEMPORAL_ADDRESS": "a:1"}
    assert trace("temporal.address", {name: "b"}, ConfigFile(USER, values)).source == name


def test_values_without_a_variable_become_options_of_their_command() -> None:
    values = parse("[run]\nmax_attempts = 3\nmodel = 'a:b'\n[status]\nlimit = 5")

    assert build_options(values) == {"run": {"max_attempts": 3}, "status": {"limit": 5}}


def test_repository_goes_before_the_user_in_defaults_of_a_task() -> None:
    repository = parse("[validation]\ntest_command = 'make test'", repository=True)
    user = parse("[validation]\ntest_command = 'pytest'\nrun_tests = true")

    defaults = build_task_defaults([ConfigFile(REPOSITORY, repository), ConfigFile(USER, user)])

    assert defaults["validation"] == {"test_command": "make test", "run_tests": True}


def test_source_of_a_value_is_what_counts() -> None:
    file = ConfigFile(USER, {"run.model": "a:b"})
    put_in = build_environment(file.values, {})

    assert trace("run.model", put_in, file) == Provenance("run.model", "a:b", USER)
    assert trace("run.model", {"FORGE_MODEL": "c:d"}, file).source == "FORGE_MODEL"
    assert trace("run.model", {}, default=None) == Provenance("run.model", None, "default")
    assert trace("temporal.ui", {"FORGE_TEMPORAL_UI": "x"}).value is True


def test_variables_that_may_hold_secrets_are_named_only() -> None:
    environ = {"OPENAI_API_KEY": "k", "TEMPORAL_API_KEY": "k", "PATH": "/bin", "OTEL_X": ""}

    assert list_secret_variables(environ, {"OPENAI_API_KEY"}) == [
        "OPENAI_API_KEY",
        "TEMPORAL_API_KEY",
    ]
