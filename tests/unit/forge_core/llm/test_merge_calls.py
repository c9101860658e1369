"""Several calls of the answering tool become one answer, or one that is asked for again."""

import json

import pytest
from forge_core.llm.merge_calls import drop_cut_repeat, merge_calls

A, B = {"file_path": "a", "content": "1"}, {"file_path": "b", "content": "2"}


def test_one_call_stands_byte_for_byte() -> None:
    assert merge_calls([' {"files": [ ]} ']) == ' {"files": [ ]} '


def test_lists_are_joined_and_what_is_alike_counts_once() -> None:
    merged = merge_calls(
        [
            json.dumps({"files": [A], "explanation": "one"}),
            json.dumps({"files": [A, B], "deletions": ["c"], "explanation": "two"}),
        ]
    )

    assert json.loads(merged) == {
        "files": [A, B],
        "deletions": ["c"],
        "explanation": "one\n\ntwo",
    }


def test_what_only_one_call_says_is_kept() -> None:
    merged = merge_calls(
        ['{"explanation": "", "edits": null}', '{"explanation": "x", "edits": []}']
    )

    assert json.loads(merged) == {"explanation": "x", "edits": []}


@pytest.mark.parametrize("other", ["no JSON", "[1]", "{"])
def test_calls_that_are_no_objects_make_no_answer(other: str) -> None:
    merged = merge_calls(['{"files": []}', other])

    with pytest.raises(ValueError, match=r"Extra data"):
        json.loads(merged)


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        (['{"a": 1}', '{"a": 1}', '{"a"'], ['{"a": 1}', '{"a": 1}']),
        (['{"a": 1}', ""], ['{"a": 1}']),
        (['{"a": 1}', '{"b"'], ['{"a": 1}', '{"b"']),
        (['{"a": 1', '{"a'], ['{"a": 1', '{"a']),
        (['{"a": 1}'], ['{"a": 1}']),
        ([], []),
    ],
    ids=["repeated", "begun", "another", "none-whole", "one", "none"],
)
def test_last_call_that_only_repeats_is_left_out(arguments: list[str], whole: list[str]) -> None:
    assert drop_cut_repeat(arguments) == whole
