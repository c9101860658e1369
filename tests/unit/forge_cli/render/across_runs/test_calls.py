"""A line for a call that holds a text."""

from datetime import UTC, datetime, timedelta

import pytest
from forge_cli.render.across_runs.calls import render_hit
from forge_cli.views.excerpt import SearchResult
from forge_obs import Interaction, Match
from rich.cells import cell_len

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PROMPT = f"{'before ' * 40}needle{' after' * 40}"


def render(width: int | None) -> str:
    call = Interaction(
        entry_id="c7a5b9a3" + "0" * 24,
        task_id="parse-iso-dates-7f3a",
        step_id="parser",
        role="llm",
        user_prompt=PROMPT,
        created_at=NOW - timedelta(minutes=59),
    )
    start = PROMPT.index("needle")
    match = Match("prompts", "user_prompt", start, start + len("needle"))
    return render_hit(SearchResult(call, (match,), others=12), NOW, width=width).plain


@pytest.mark.parametrize(
    ("width", "age"), [(60, ""), (80, "59 min"), (109, "59 min"), (110, "59 min ago"), (200, "ago")]
)
def test_age_stands_wherever_there_is_room_for_it_beside_the_hit(width: int, age: str) -> None:
    line = render(width)

    assert age in line
    assert ("min" in line) == bool(age)
    assert "needle" in line
    assert line.endswith("  +12 more")
    assert width < 80 or cell_len(line) <= width


def test_line_that_goes_to_a_file_has_all_of_it() -> None:
    assert "c7a5b9a3  59 min ago  parse-iso-dates-7f3a/parser llm" in render(None)
