"""A model is checked before anything starts, cheaply and with the way out in one line."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from forge_core.errors import ModelNotConfigured
from forge_core.llm.model_name import REFUSED
from forge_core.llm.providers import check_model


@pytest.mark.parametrize("spec", ["", "model", ":", ":m", "openai:", "openai: ", "mystery:m"])
def test_a_malformed_model_is_refused_with_the_known_forms(spec: str) -> None:
    with pytest.raises(ModelNotConfigured, match="openai:NAME"):
        check_model(spec)


@pytest.mark.parametrize(
    ("spec", "variable"),
    [
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("openai:m", "OPENAI_API_KEY"),
        ("openai-chat:m", "OPENAI_API_KEY"),
    ],
)
def test_a_missing_key_is_named(spec: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotConfigured, match=f"set {variable}"):
        check_model(spec)
    monkeypatch.setenv(variable, " ")
    with pytest.raises(ModelNotConfigured, match=f"set {variable}"):
        check_model(spec)
    monkeypatch.setenv(variable, "key")

    check_model(spec)


@pytest.mark.parametrize("spec", ["openai:m", "openai-chat:m"])
def test_a_server_named_by_its_address_may_want_no_key(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gpu.example:8000/v1")

    check_model(spec)


def test_anthropic_wants_a_key_at_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://proxy.example")

    with pytest.raises(ModelNotConfigured, match="set ANTHROPIC_API_KEY"):
        check_model("anthropic:m")


@pytest.mark.parametrize("key", ["ke\ny", "kéy"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)

    with pytest.raises(ModelNotConfigured) as caught:
        check_model("anthropic:m")

    assert str(caught.value) == "ANTHROPIC_API_KEY contains characters that are never part of a key"


@pytest.mark.parametrize(
    ("spec", "hint"),
    [("OpenAI:m", "openai:m"), ("open-router:a/b:free", "openrouter:a/b:free")],
)
def test_a_provider_that_is_misspelt_is_suggested(spec: str, hint: str) -> None:
    with pytest.raises(ModelNotConfigured) as caught:
        check_model(spec)

    assert str(caught.value).endswith(f": did you mean {hint}?")


@pytest.mark.parametrize("provider", REFUSED)
def test_a_provider_that_cannot_be_asked_is_refused_with_the_reason(provider: str) -> None:
    with pytest.raises(ModelNotConfigured) as caught:
        check_model(f"{provider}:m")

    assert str(caught.value) == f"model '{provider}:m': {provider} {REFUSED[provider]}"


def test_a_missing_package_is_named_as_pydantic_ai_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    monkeypatch.setitem(sys.modules, "google.genai", None)
    monkeypatch.setattr("forge_core.llm.providers.find_spec", lambda _: None)

    with pytest.raises(ModelNotConfigured) as caught:
        check_model("google:gemini-3-pro")

    assert str(caught.value) == (
        "model 'google:gemini-3-pro' needs a package that is not installed: "
        f"pydantic-ai-slim[google]=={version('pydantic-ai-slim')}"
    )


@pytest.mark.parametrize(
    ("spec", "variables", "missing"),
    [
        ("azure:m", {"AZURE_OPENAI_API_KEY": "k"}, "AZURE_OPENAI_ENDPOINT"),
        ("litellm:m", {}, "LITELLM_BASE_URL"),
        ("vllm:m", {}, "VLLM_BASE_URL"),
        ("snowflake:m", {"SNOWFLAKE_TOKEN": "k"}, "SNOWFLAKE_ACCOUNT"),
        ("bedrock:m", {}, "AWS_DEFAULT_REGION"),
    ],
)
def test_an_address_that_nobody_knows_is_asked_for(
    spec: str, variables: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ModelNotConfigured, match=rf"needs an address: set {missing}$"):
        check_model(spec)


def test_any_of_a_providers_variables_may_hold_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotConfigured, match=r"set GOOGLE_API_KEY$"):
        check_model("google:m")
    monkeypatch.setenv("GEMINI_API_KEY", "key")

    check_model("google:m")


def test_azure_wants_a_version_of_its_older_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://acme.openai.azure.com/")
    with pytest.raises(ModelNotConfigured, match="set OPENAI_API_VERSION"):
        check_model("azure:m")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://acme.openai.azure.com/openai/v1/")

    check_model("azure:m")


def test_ollama_needs_nothing() -> None:
    check_model("ollama:llama3.2:3b")


@pytest.mark.parametrize(
    "url", ["localhost:11434", "ftp://host/", "/v1", "http://", "http://host:port/", "http://[::1"]
)
def test_an_address_that_is_no_url_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_BASE_URL", url)

    with pytest.raises(ModelNotConfigured, match="OLLAMA_BASE_URL is"):
        check_model("ollama:m")


def test_a_script_is_read(tmp_path: Path) -> None:
    script = tmp_path / "play.json"
    script.write_text('{"answers": [{"text": "x"}]}', encoding="utf-8")

    check_model(f"scripted:{script}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("{", "file: Invalid JSON"),
        ('{"answers": [{"test": "x"}]}', "answers.0.test: is not a known key"),
    ],
    ids=["missing", "no-json", "unknown-key"],
)
def test_a_bad_script_is_refused_with_path_and_reason(
    content: str | None, reason: str, tmp_path: Path
) -> None:
    script = tmp_path / "play.json"
    if content is not None:
        script.write_text(content, encoding="utf-8")

    with pytest.raises(ModelNotConfigured) as caught:
        check_model(f"scripted:{script}")

    assert str(caught.value).startswith(f"script {script}: {reason}")
    assert "\n" not in str(caught.value)


def test_neither_the_check_nor_the_calls_import_a_provider(tmp_path: Path) -> None:
    program = """
import sys
import forge_core.llm.calls
from forge_core.llm.providers import check_model
check_model("ollama:m")
heavy = {"pydantic_ai", "openai", "anthropic", "httpx2"} & set(sys.modules)
sys.exit(f"imported {sorted(heavy)}" if heavy else 0)
"""

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
