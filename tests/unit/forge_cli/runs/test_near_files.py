"""A target file that does not exist is said to be new, beside what may have been meant."""

import pytest
from forge_cli.runs.near_files import describe_new_target

FILES = ["retry.py", "src/retry.py", "src/clock.py", "docs/guide.md"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("parser.py", "target file 'parser.py' is new"),
        ("src/retri.py", "target file 'src/retri.py' is new: did you mean 'src/retry.py'?"),
        ("lib/clock.py", "target file 'lib/clock.py' is new: did you mean 'src/clock.py'?"),
        ("src/guide.md", "target file 'src/guide.md' is new: did you mean 'docs/guide.md'?"),
        ("tests/test_x.py", "target file 'tests/test_x.py' is new"),
        (
            "retry.py,src/clock.py",
            "target file 'retry.py,src/clock.py' is new: give --target-file once for each of several files",  # noqa: E501
        ),
    ],
)
def test_new_target_is_told_with_the_nearest_files(path: str, said: str) -> None:
    assert describe_new_target(path, FILES) == said


def test_large_repository_is_searched_in_the_directory_only() -> None:
    files = [*FILES, *(f"gen/{number}.py" for number in range(6_000))]

    assert describe_new_target("src/clok.py", files).endswith("did you mean 'src/clock.py'?")
