"""A script answers by the labels of a request, the most exact entry first."""

import json

import pytest
from forge_core.llm.request import RequestLabels
from forge_core.llm.script import (
    SimulatedFigures,
    choose_entry,
    describe_labels,
    parse_script,
)

LABELS = RequestLabels("llm", step_id="parser", attempt=2, sample=1)


def choose(*entries: dict[str, object]) -> str | None:
    script = parse_script(json.dumps({"answers": entries}).encode())
    entry = choose_entry(script, LABELS)
    return None if entry is None else entry.text


def test_a_label_left_out_fits_any_request() -> None:
    assert choose({"text": "any"}) == "any"


def test_a_label_that_differs_excludes_the_entry() -> None:
    assert choose({"role": "planner", "text": "plan"}, {"attempt": 1, "text": "first"}) is None


def test_the_entry_with_the_most_labels_wins() -> None:
    chosen = choose(
        {"role": "llm", "text": "by role"},
        {"role": "llm", "step_id": "parser", "attempt": 2, "text": "by step and attempt"},
        {"role": "llm", "step_id": "parser", "text": "by step"},
    )

    assert chosen == "by step and attempt"


def test_the_first_of_equally_exact_entries_wins() -> None:
    assert choose({"attempt": 2, "text": "one"}, {"sample": 1, "text": "two"}) == "one"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("nonsense", "file: Invalid JSON"),
        ('{"answers": []}', "answers: must not be empty"),
        ('{"answers": [{}]}', "answers.0: an entry needs exactly one of"),
        ('{"answers": [{"text": "", "answer": {}}]}', "answers.0: an entry needs"),
        ('{"answers": [{"text": "", "step": "a"}]}', "answers.0.step: is not a known key"),
        ('{"answers": [{"error": {"kind": "boredom"}}]}', "answers.0.error.kind: must be"),
        ('{"answers": [{"text": "", "finish_reason": "x"}]}', "answers.0.finish_reason: must be"),
    ],
    ids=["json", "empty", "no-reply", "two-replies", "unknown-key", "kind", "finish-reason"],
)
def test_an_invalid_script_is_refused_with_place_and_reason(script: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_script(script.encode())

    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)


def test_a_request_is_described_by_the_labels_it_has() -> None:
    assert describe_labels(LABELS) == "role=llm, step_id=parser, attempt=2, sample=1"


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"input_tokens": -1}, "answers.0.simulated.input_tokens"),
        ({"latency_ms": 1e12}, "answers.0.simulated.latency_ms"),
        ({"tokens": 1}, "answers.0.simulated.tokens: is not a known key"),
    ],
    ids=["negative", "too long", "unknown"],
)
def test_simulated_figures_are_checked(figures: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_script(json.dumps({"answers": [{"text": "", "simulated": figures}]}).encode())


@pytest.mark.parametrize(
    ("passed_ms", "tokens"), [(0, 0), (100, 0), (600, 50), (1100, 100), (9999, 100)]
)
def test_simulated_tokens_come_evenly_after_the_first(passed_ms: float, tokens: int) -> None:
    figures = SimulatedFigures(output_tokens=100, latency_ms=1100, first_token_ms=100)

    assert figures.count_tokens(passed_ms) == tokens


def test_simulated_tokens_of_an_answer_without_latency_are_there_at_once() -> None:
    assert SimulatedFigures(output_tokens=7).count_tokens(0) == 7
