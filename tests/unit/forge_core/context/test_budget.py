"""A prompt keeps what matters most and never exceeds its budget."""

import pytest
from forge_core.context.assemble import Coverage, build_prompt, get_map_budget
from forge_core.context.budget import PRIORITY, REQUIRED, BudgetExceeded, pack
from forge_core.context.repo_map import MapEntry, RepoMap
from forge_core.context.sections import (
    Section,
    SectionForm,
    SectionKind,
    estimate_tokens,
    fence,
    render_section,
)
from forge_core.models.task import ContextConfig
from hypothesis import given
from hypothesis import strategies as st

INSTRUCTIONS = Section("instructions", "", "Work.\n", "")
KINDS = st.sampled_from([kind for kind in PRIORITY if kind not in REQUIRED])
SECTIONS = st.lists(
    st.builds(
        Section,
        KINDS,
        st.text(max_size=20),
        st.text(max_size=400),
        st.just(""),
        form=st.sampled_from(["text", "full", "signatures"]),
        outline=st.text(max_size=100),
    ),
    max_size=20,
)


def make_section(kind: SectionKind, text: str, name: str = "", outline: str = "") -> Section:
    form: SectionForm = "full" if kind.endswith("_file") else "text"
    return Section(kind, name, text, "", form, outline)


def names(sections: tuple[Section, ...]) -> list[str]:
    return [section.name for section in sections]


def test_sections_that_fit_keep_their_order() -> None:
    sections = [make_section("context_file", "c", "c.py"), make_section("task", "t")]

    packing = pack(sections, 1000, 4.0)

    assert [(s.kind, s.text) for s in packing.included] == [("context_file", "c"), ("task", "t")]
    assert packing.omitted == ()


def test_target_file_goes_before_context_file() -> None:
    context = make_section("context_file", "x" * 300, "c.py")
    target = make_section("target_file", "y" * 300, "t.py")

    packing = pack([context, target, make_section("task", "t")], 100, 4.0)

    assert names(packing.omitted) == ["c.py"]


def test_file_without_room_is_shown_by_its_signatures() -> None:
    target = make_section("target_file", "y" * 3000, "t.py", outline="def f(): ...")

    (shown, _) = pack([target, make_section("task", "t")], 100, 4.0).included

    assert (shown.form, shown.text) == ("signatures", "```\ndef f(): ...\n```")
    assert "signatures only" in render_section(shown)


def test_file_whose_signatures_find_no_room_either_is_left_out() -> None:
    target = make_section("target_file", "y" * 3000, "t.py", outline="z" * 3000)

    packing = pack([target, make_section("task", "t")], 100, 4.0)

    assert [(s.name, s.form, s.tokens) for s in packing.omitted] == [("t.py", "full", 756)]


def test_what_a_target_imports_goes_before_interfaces_and_these_before_context_files() -> None:
    sections = [
        make_section("context_file", "c" * 300, "context"),
        make_section("interface", "i" * 300, "interface"),
        make_section("dependency", "d" * 300, "dependency"),
        make_section("task", "t"),
    ]

    assert names(pack(sections, 100, 4.0).included) == ["dependency", ""]
    assert names(pack(sections, 180, 4.0).included) == ["interface", "dependency", ""]


def test_task_larger_than_the_budget_is_refused_with_both_numbers() -> None:
    with pytest.raises(BudgetExceeded, match=r"about 103 tokens but the budget leaves 50"):
        pack([make_section("task", "t" * 400)], 50, 4.0)


@given(SECTIONS, st.integers(40, 600), st.floats(1, 8))
def test_prompt_never_exceeds_its_budget(
    sections: list[Section], room: int, chars_per_token: float
) -> None:
    config = ContextConfig(
        token_budget=room + 1000, output_reserve=1000, chars_per_token=chars_per_token
    )

    prompt = build_prompt(
        [INSTRUCTIONS, *sections, make_section("task", "Do.")], config, Coverage()
    )

    text = prompt.system_prompt + prompt.user_prompt
    assert prompt.stats.total_estimated_tokens == estimate_tokens(text, chars_per_token) <= room
    assert prompt.stats.budget_utilization == prompt.stats.total_estimated_tokens / room
    assert len(prompt.manifest) == len(sections) + 2


@given(SECTIONS, st.integers(400, 6000))
def test_manifest_says_where_each_section_stands_in_its_prompt(
    sections: list[Section], room: int
) -> None:
    config = ContextConfig(token_budget=room + 1000, output_reserve=1000)
    everything = [INSTRUCTIONS, *sections, make_section("task", "Do.")]

    prompt = build_prompt(everything, config, Coverage())

    texts = {"system": prompt.system_prompt, "user": prompt.user_prompt}
    included = pack(everything, room, config.chars_per_token).included
    placed = [entry for entry in prompt.manifest if entry.form != "omitted"]
    for section, entry in zip(included, placed, strict=True):
        assert entry.prompt is not None
        assert entry.start is not None
        assert entry.length is not None
        text = texts[entry.prompt][entry.start : entry.start + entry.length]
        assert text == render_section(section)
    lost = [entry for entry in prompt.manifest if entry.form == "omitted"]
    assert all((entry.prompt, entry.start, entry.length) == (None, None, None) for entry in lost)


def test_stats_and_manifest_say_what_is_shown_and_what_is_left_out() -> None:
    repo_map = RepoMap("m.py:\n  x = 1", 4, (MapEntry("m.py", 4),))
    coverage = Coverage(7, {"binary or minified": 2}, ("b.py: bad",), repo_map, {"m.py": 3})
    sections = [
        INSTRUCTIONS,
        make_section("repo_map", repo_map.text),
        make_section("context_file", "x" * 9000, "big.py"),
        make_section("context_file", "x" * 9000, "cut.py", outline="x = 1"),
        make_section("target_file", "print()", "a.py"),
        make_section("task", "Do it."),
    ]

    prompt = build_prompt(sections, ContextConfig(token_budget=2000, output_reserve=1000), coverage)

    stats = prompt.stats
    assert stats.files_discovered == 7
    assert (stats.files_included_full, stats.files_included_signatures) == (1, 2)
    assert stats.files_truncated == 2
    assert (stats.files_left_out, stats.files_unparsed) == ({"binary or minified": 2}, 1)
    assert stats.unparsed == ("b.py: bad",)
    assert stats.repo_map_tokens == 4
    assert [(e.kind, e.path, e.form, e.rank) for e in prompt.manifest] == [
        ("instructions", None, "text", None),
        ("repo_map", None, "text", None),
        ("repo_map", "m.py", "signatures", 3),
        ("context_file", "cut.py", "signatures", None),
        ("target_file", "a.py", "full", None),
        ("task", None, "text", None),
        ("context_file", "big.py", "omitted", None),
    ]


def test_system_prompt_is_what_all_calls_share() -> None:
    sections = [INSTRUCTIONS, make_section("repo_map", "a.py"), make_section("task", "Do it.")]

    prompt = build_prompt(sections, ContextConfig(), Coverage())

    assert prompt.system_prompt == "Work.\n\n## Repository map\n\na.py\n"
    assert prompt.user_prompt == "## Task\n\nDo it.\n"


def test_map_takes_a_quarter_of_a_small_prompt_and_nothing_when_turned_off() -> None:
    small = {"token_budget": 2000, "output_reserve": 1000}

    assert get_map_budget(ContextConfig()) == 2048
    assert get_map_budget(ContextConfig.model_validate(small)) == 250
    assert get_map_budget(ContextConfig(include_repo_map=False)) == 0
    assert get_map_budget(ContextConfig(auto_discover=False)) == 0


@given(st.text(alphabet="`a\n", max_size=40))
def test_no_text_closes_its_fence(text: str) -> None:
    block = fence(text)

    opening = block.split("\n", 1)[0]
    inside = block[len(opening) + 1 : -len(opening)]
    assert set(opening) == {"`"}
    assert opening not in inside
