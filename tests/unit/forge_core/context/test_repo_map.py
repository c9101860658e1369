"""The map shows the most important first and never exceeds its budget."""

from collections.abc import Sequence

from forge_core.context.repo_map import MAX_LINES, build_repo_map
from forge_core.context.sections import estimate_tokens
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(alphabet="abcxyz", min_size=1, max_size=6)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
OUTLINES = st.dictionaries(PATHS.map(lambda path: f"{path}.py"), st.text(max_size=200), max_size=30)


def draw(ranked: Sequence[str], others: Sequence[str], budget: int, outline: str = "x = 1") -> str:
    return build_repo_map([*ranked, *others], ranked, lambda _: outline, budget, 4.0).text


def test_best_ranked_files_have_signatures_and_the_others_names() -> None:
    text = draw(["b.py", "pkg/a.py", "pkg/c.py"], ["README.md", "docs/x.md"], 17)

    assert text == ("b.py:\n  x = 1\npkg/a.py:\n  x = 1\nREADME.md\ndocs/: x.md\npkg/: c.py")


def test_every_file_is_named_while_there_is_room() -> None:
    files = [f"pkg/m{number:03}.py" for number in range(40)]

    text = draw(files, [], 150, "y" * 1000)

    assert all(path.removeprefix("pkg/") in text for path in files)


def test_names_that_find_no_room_are_counted_by_directory() -> None:
    files = [f"lib/m{number:03}.py" for number in range(900)]
    others = [f"docs/d{number:03}.md" for number in range(90)]

    text = draw(files, others, 100)

    assert "… and 9" in text.split("\n")[-1]
    assert "docs/ (90)" in text.split("\n")[-1]
    assert text.startswith("lib/m000.py:\n  x = 1\n")


def test_long_outline_is_cut_and_says_so() -> None:
    outline = "\n".join(f"line_{number}" for number in range(MAX_LINES + 5))

    text = draw(["a.py"], [], 1000, outline)

    assert f"line_{MAX_LINES - 1}" in text
    assert text.endswith("  … 5 more lines")


def test_outlines_are_read_for_few_files_more_than_are_shown() -> None:
    files = [f"m{number:04}.py" for number in range(1000)]
    read: list[str] = []

    def read_outline(path: str) -> str:
        read.append(path)
        return "z" * 400

    shown = build_repo_map(files, files, read_outline, 6000, 4.0).outlined

    assert 10 < len(shown) <= len(read) <= 2 * len(shown) + 2


@given(OUTLINES, st.lists(PATHS, max_size=20), st.integers(0, 200), st.floats(0.5, 8))
def test_map_never_exceeds_its_budget_and_is_the_same_again(
    outlines: dict[str, str], others: list[str], budget: int, chars_per_token: float
) -> None:
    ranked = sorted(outlines)
    files = [*ranked, *others]

    found = build_repo_map(files, ranked, outlines.__getitem__, budget, chars_per_token)

    assert found.tokens <= budget
    assert found.tokens == estimate_tokens(found.text, chars_per_token)
    again = build_repo_map(files[::-1], ranked, outlines.__getitem__, budget, chars_per_token)
    assert again == found
