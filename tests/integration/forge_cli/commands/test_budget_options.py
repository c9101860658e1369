"""Limits that are none are refused in one line, before anything is paid for."""

from pathlib import Path

import pytest
from support.forge import Forge

MODEL = ("--model", "openai-chat:gpt-4o")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "5$", "", "1,5"])
@pytest.mark.parametrize("option", ["--max-cost", "--max-total-tokens", "--max-duration"])
@pytest.mark.parametrize("command", ["run", "resume"])
def test_limit_that_is_none_is_refused(
    forge: Forge, repo: Path, command: str, option: str, value: str
) -> None:
    words = ("run", "Do it.", "--repo", str(repo), *MODEL) if command == "run" else ("resume", "x")

    outcome = forge(*words, f"{option}={value}")

    assert outcome.code == 2
    assert len(outcome.error) < 300
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("value", ["5", "$3,15", "-1,2", "nan,1"])
def test_price_that_is_none_is_refused(forge: Forge, repo: Path, value: str) -> None:
    outcome = forge("run", "Do it.", "--repo", str(repo), *MODEL, f"--assume-price={value}")

    assert outcome.code == 2
    assert "two amounts in US dollars per million tokens" in outcome.error


def test_unknown_price_is_refused_before_the_run_starts(forge: Forge, repo: Path) -> None:
    outcome = forge(
        "run", "Do it.", "--repo", str(repo), "--model", "ollama:home-made", "--max-cost", "5"
    )

    assert outcome.code == 2
    assert "'ollama:home-made' is not known" in outcome.error
    assert "--assume-price IN,OUT" in outcome.error
