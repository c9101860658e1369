"""A plan that cannot be carried out is refused where it is parsed."""

import pytest
from forge_core.models.plan import Plan
from pydantic import ValidationError


def test_unknown_keys_of_a_models_answer_are_ignored() -> None:
    plan = Plan.model_validate(
        {"steps": [{"step_id": "a", "description": "x", "mood": "good"}], "cost": 3}
    )

    assert [step.step_id for step in plan.steps] == ["a"]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        pytest.param([], "at least 1", id="no step"),
        pytest.param(
            [{"step_id": "a", "description": "x"}, {"step_id": "a", "description": "y"}],
            "step id 'a' appears more than once",
            id="step id twice",
        ),
        pytest.param(
            [{"step_id": "a", "description": " "}], "must not be blank", id="no description"
        ),
        pytest.param([{"step_id": "../a", "description": "x"}], "id '../a'", id="unsafe id"),
        pytest.param(
            [
                {
                    "step_id": "a",
                    "description": "x",
                    "sub_tasks": [
                        {"sub_task_id": "p", "description": "x", "target_files": ["f.py"]},
                        {"sub_task_id": "q", "description": "x", "target_files": ["f.py"]},
                    ],
                }
            ],
            "'f.py' appears more than once",
            id="two sub-tasks with one file",
        ),
        pytest.param(
            [
                {
                    "step_id": "a",
                    "description": "x",
                    "sub_tasks": [
                        {"sub_task_id": "p", "description": "x"},
                        {"sub_task_id": "p", "description": "x"},
                    ],
                }
            ],
            "sub-task id 'p' appears more than once",
            id="sub-task id twice",
        ),
    ],
)
def test_plan_that_breaks_a_rule_is_refused(steps: list[object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Plan.model_validate({"steps": steps})
