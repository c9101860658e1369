"""Names of models are asked of the library once and kept on disk for its version."""

import subprocess
import sys
from pathlib import Path

import pytest
from forge_core.pricing.catalogue import get_cache_path
from forge_core.pricing.model_names import FILE, list_model_names


@pytest.fixture
def cache(private_environment: Path) -> Path:
    path = get_cache_path({"XDG_CACHE_HOME": str(private_environment / "cache")})
    assert path is not None
    return path.with_name(FILE)


def test_models_that_write_text_are_listed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))

    names = list_model_names("openai")

    assert "gpt-4o" in names
    assert not [name for name in names if "embedding" in name]
    assert list_model_names("openai-chat") == names
    assert list_model_names("nobody") == []
    assert cache.exists()


def test_second_question_needs_no_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    list_model_names("anthropic")

    program = (
        "import sys; from forge_core.pricing.model_names import list_model_names as ask;"
        "print(len(ask('anthropic')), 'genai_prices' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    number, is_imported = done.stdout.split()
    assert int(number) > 5
    assert is_imported == "False"


@pytest.mark.parametrize("content", ["", "[]", '{"version": "0"}', '{"version": 1, "names": 3}'])
def test_damaged_file_is_written_anew(
    cache: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(content)

    assert "gpt-4o" in list_model_names("openai")
    assert "gpt-4o" in cache.read_text()
