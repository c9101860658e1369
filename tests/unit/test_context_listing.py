"""The overview of a repository stays within its budget, whatever the repository."""

from forge_core.context.listing import FileEntry, build_listing, format_size
from forge_core.context.sections import estimate_tokens
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(alphabet="abcxyz", min_size=1, max_size=6)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
FILES = st.lists(st.builds(FileEntry, PATHS, st.integers(0, 10**7)), max_size=60)


def test_small_repository_is_listed_file_by_file() -> None:
    files = [FileEntry("b/c.py", 1500), FileEntry("a.py", 12)]

    listing = build_listing(files, 100, 4.0)

    assert listing.text == "a.py (12 B)\nb/c.py (1.5 kB)"


def test_directories_too_deep_for_the_budget_are_summed_up() -> None:
    files = [FileEntry(f"src/package/module_{n}.py", 1000) for n in range(50)]

    listing = build_listing([*files, FileEntry("setup.py", 5)], 20, 4.0)

    assert listing.text == "setup.py (5 B)\nsrc/package/ (50 files, 50.0 kB)"


def test_list_too_long_for_its_top_level_says_how_much_is_missing() -> None:
    files = [FileEntry(f"file_{n:03}.py", 1) for n in range(100)]

    listing = build_listing(files, 20, 4.0)

    assert listing.text.endswith("more entries")
    assert listing.tokens <= 20


@given(FILES, st.integers(0, 200), st.floats(0.5, 8))
def test_listing_never_exceeds_its_budget(
    files: list[FileEntry], budget: int, chars_per_token: float
) -> None:
    listing = build_listing(files, budget, chars_per_token)

    assert listing.tokens <= budget
    assert listing.tokens == estimate_tokens(listing.text, chars_per_token)


def test_sizes_are_rounded_for_reading() -> None:
    assert [format_size(n) for n in (0, 999, 1000, 2_500_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.5 MB",
    ]
