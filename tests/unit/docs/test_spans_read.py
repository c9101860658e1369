"""The page about spans names every attribute that is read into a column."""

import re
from pathlib import Path

import pytest
from forge_obs.otel.conventions import names
from forge_obs.otel.conventions.message_events import CONTENT_EVENTS

PAGE = (Path(__file__).parents[3] / "docs/reference/spans-read.md").read_text()
LISTED = set(re.findall(r"`([\w.*]+)`", PAGE))


@pytest.mark.parametrize("column", names.TEXTS)
def test_every_spelling_of_a_column_is_listed(column: str) -> None:
    assert not set(names.TEXTS[column]) - LISTED


@pytest.mark.parametrize(
    "attributes",
    [
        names.FIRST_PIECE,
        names.COSTS,
        CONTENT_EVENTS,
        [names.FINISH_REASONS, names.STATUS, names.USAGE_TEXT],
        [f"{prefix}*" for prefix in (*names.USAGE_PREFIXES, *names.PARAM_PREFIXES)],
        names.CONTENT - {"model_request_parameters"},
    ],
    ids=["first token", "cost", "events", "single", "prefixes", "contents"],
)
def test_every_other_attribute_is_listed(attributes: list[str]) -> None:
    assert not set(attributes) - LISTED
