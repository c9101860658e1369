"""Ids are safe as git ref parts and file names."""

import pytest
from forge_core.models.ids import (
    build_sub_task_workflow_id,
    build_workflow_id,
    check_id,
)


@pytest.mark.parametrize("value", ["a", "add-parser", "v1.2_x", "A" * 64, "0"])
def test_plain_id_is_accepted(value: str) -> None:
    assert check_id(value) == value


@pytest.mark.parametrize(
    "value",
    ["", "a\n", "a..b", "a.lock", "a.", ".a", "-a", "a/b", "a b", "é", "A" * 65, "a\x00"],
)
def test_id_that_git_or_a_file_system_could_misread_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="id "):
        check_id(value)


def test_child_workflow_id_extends_its_roots_id() -> None:
    workflow_id = build_workflow_id("fix", "0123abcd")

    child = build_sub_task_workflow_id(workflow_id, "reports", 2, "parser")

    assert child == "forge-fix-0123abcd/reports/2/parser"
