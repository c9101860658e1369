"""Prices are kept on disk, so that their library is imported only for what is new."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forge_cli.store.prices import load_prices
from forge_core.pricing.catalogue import MOST_KEPT, get_cache_path
from forge_obs import Interaction

KNOWN = Interaction(model_name="claude-sonnet-4-5", request_model="anthropic:claude-sonnet-4-5")
TIERED = Interaction(model_name="gemini-2.5-pro", request_model="google:gemini-2.5-pro")
TIMED = Interaction(model_name="deepseek-reasoner", request_model="deepseek:deepseek-reasoner")
UNKNOWN = Interaction(model_name="\x1b[2J\udcff", request_model="ollama:mine")


@pytest.fixture
def cache() -> Path:
    path = get_cache_path(os.environ)
    assert path is not None
    return path


def test_prices_are_read_from_disk_as_they_were_looked_up(cache: Path) -> None:
    calls = [KNOWN, TIERED, TIMED, UNKNOWN]

    first, second = load_prices(calls), load_prices(calls)

    assert second == first
    assert second.price_call(KNOWN) is not None
    assert second.price_call(UNKNOWN) is None
    assert cache.parent.stat().st_mode & 0o777 == 0o700


def test_library_is_imported_for_a_model_that_is_new_and_only_then() -> None:
    script = (
        "import sys; from forge_obs.model.rows import Interaction;"
        "from forge_cli.store.prices import *;"
        "load_prices([Interaction(model_name=sys.argv[1], request_model='openai:x')]);"
        "print('genai_prices' in sys.modules)"
    )

    def run(model: str) -> str:
        command = [sys.executable, "-c", script, model]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert [run("gpt-4o"), run("gpt-4o"), run("no-such"), run("no-such")] == [
        "True",
        "False",
        "True",
        "False",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "{}", '{"version": "0", "models": 3}', '{"version": null}', "\x00"],
    ids=repr,
)
def test_damaged_file_is_as_good_as_none(cache: Path, text: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(text)

    assert load_prices([KNOWN]).price_call(KNOWN) is not None
    assert json.loads(cache.read_text())["models"]


def test_damaged_entries_are_as_good_as_none(cache: Path) -> None:
    load_prices([KNOWN])
    document = json.loads(cache.read_text())
    document["models"][0]["periods"][0]["prices"]["input"] = [["x", "much"]]
    cache.write_text(json.dumps(document))

    assert load_prices([KNOWN]).price_call(KNOWN) is not None


def test_prices_of_other_data_are_not_used(cache: Path) -> None:
    load_prices([KNOWN])
    document = json.loads(cache.read_text())
    cache.write_text(json.dumps({"version": "0.0.1", "models": document["models"][:0]}))

    assert load_prices([KNOWN]).price_call(KNOWN) is not None


def test_disk_that_takes_no_file_costs_nothing_but_time(cache: Path) -> None:
    cache.parent.parent.mkdir(parents=True, exist_ok=True)
    cache.parent.write_text("a file where the directory should be")

    assert load_prices([KNOWN]).price_call(KNOWN) is not None


def test_number_of_kept_models_is_bounded(cache: Path) -> None:
    for start in (0, MOST_KEPT):
        load_prices(
            Interaction(model_name=f"m{number}", request_model="openai:gpt-4o")
            for number in range(start, start + MOST_KEPT)
        )

    assert len(json.loads(cache.read_text())["models"]) <= MOST_KEPT + 1


def test_nothing_is_kept_where_no_place_is_named() -> None:
    assert get_cache_path({}) is None
    assert get_cache_path({"HOME": "", "XDG_CACHE_HOME": "relative"}) is None
    assert get_cache_path({"HOME": "/h"}) == Path("/h/.cache/forge/prices.json")
    assert get_cache_path({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == Path("/c/forge/prices.json")
