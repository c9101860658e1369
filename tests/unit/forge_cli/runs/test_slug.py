"""Task ids made of descriptions in any script are short, readable and valid."""

import pytest
from forge_cli.runs.slug import LENGTH, build_task_id
from forge_core.models.ids import check_id
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("description", "slug"),
    [
        ("Parse ISO dates", "parse-iso-dates"),
        ("Add a parser for ISO dates, with tests", "add-parser-iso-dates"),
        ("Don\u2019t retry on 404", "dont-retry-404"),
        ("\n# Fix: the retry loop\n\nIt never ends.", "fix-retry-loop"),
        ("the", "the"),
        ("x" * 100, "x" * LENGTH),
        ("Größere Straßen über Łódź", "grossere-strassen-uber"),
        ("Исправить разбор дат", "ispravit-razbor-dat"),
        ("Διόρθωσε τον έλεγχο", "diorthose-ton-elegcho"),
        ("날짜 추가", "naljja-cuga"),
        ("キャッシュをついか", "kyasyuwotuika"),
        ("将 JSON 改为 TOML", "json-toml"),
        ("日付を解析する", "retry-loop"),
        ("إصلاح", "retry-loop"),
        ("🎉 !", "retry-loop"),
    ],
)
def test_words_of_a_description_are_readable_in_its_id(description: str, slug: str) -> None:
    assert build_task_id(description, "7f3a", ["src/retry_loop.py", "b.py"]) == f"{slug}-7f3a"


def test_description_without_a_readable_word_and_without_a_file_is_a_task() -> None:
    assert build_task_id("修复", "7f3a") == "task-7f3a"


@given(st.text(), st.lists(st.text(), max_size=1))
def test_task_id_made_of_any_description_is_valid(description: str, files: list[str]) -> None:
    task_id = build_task_id(description, "7f3a", files)

    assert check_id(task_id) == task_id
    assert task_id.endswith("-7f3a")
    assert len(task_id) <= LENGTH + 5
