"""A prompt keeps what matters most and never exceeds its budget."""

import pytest
from forge_core.context.assemble import build_prompt
from forge_core.context.budget import BudgetExceeded, pack
from forge_core.context.sections import Section, SectionKind, estimate_tokens, fence
from forge_core.models.task import ContextConfig
from hypothesis import given
from hypothesis import strategies as st

KINDS = st.sampled_from(["repository", "context_file", "target_file", "plan", "failure"])
SECTIONS = st.lists(
    st.builds(Section, KINDS, st.text(max_size=20), st.text(max_size=400), st.just("")), max_size=20
)


def make_section(kind: SectionKind, text: str, name: str = "") -> Section:
    return Section(kind, name, text, "", form="full" if kind.endswith("_file") else "text")


def test_sections_that_fit_keep_their_order() -> None:
    sections = [make_section("context_file", "c", "c.py"), make_section("task", "t")]

    packing = pack(sections, 1000, 4.0)

    assert packing.included == tuple(sections)
    assert packing.omitted == ()


def test_target_file_goes_before_context_file() -> None:
    context = make_section("context_file", "x" * 300, "c.py")
    target = make_section("target_file", "y" * 300, "t.py")

    packing = pack([context, target, make_section("task", "t")], 100, 4.0)

    assert packing.omitted == (context,)


def test_task_larger_than_the_budget_is_refused_with_both_numbers() -> None:
    with pytest.raises(BudgetExceeded, match=r"about 10\d tokens and the budget leaves 50"):
        pack([make_section("task", "t" * 400)], 50, 4.0)


@given(SECTIONS, st.integers(40, 600))
def test_prompt_never_exceeds_its_budget(sections: list[Section], room: int) -> None:
    config = ContextConfig(token_budget=room + 1000, output_reserve=1000)

    prompt = build_prompt(
        "Work.", [*sections, make_section("task", "Do it.")], config, files_discovered=0
    )

    assert prompt.stats.total_estimated_tokens <= room + 1
    assert prompt.stats.budget_utilization == prompt.stats.total_estimated_tokens / room


def test_stats_count_what_is_shown_and_what_is_left_out() -> None:
    sections = [
        make_section("repository", "a.py (3 B)"),
        make_section("context_file", "x" * 9000, "big.py"),
        make_section("target_file", "print()", "a.py"),
        make_section("task", "Do it."),
    ]

    stats = build_prompt(
        "Work.", sections, ContextConfig(token_budget=2000, output_reserve=1000), files_discovered=7
    ).stats

    assert stats.files_discovered == 7
    assert (stats.files_included_full, stats.files_truncated) == (1, 1)
    assert stats.repo_map_tokens == estimate_tokens("a.py (3 B)", 4.0)


@given(st.text(alphabet="`a\n", max_size=40))
def test_no_text_closes_its_fence(text: str) -> None:
    block = fence(text)

    opening = block.split("\n", 1)[0]
    inside = block[len(opening) + 1 : -len(opening)]
    assert set(opening) == {"`"}
    assert opening not in inside
