"""A finished call, from what other programs have of it to the columns of its row. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from forge_obs.model.entries import Row, is_usage_known
from forge_obs.model.sanitize import json_column
from forge_obs.model.sdk_values import FIGURES

_CONTEXT_FIELDS: Final = ("system_prompt", "user_prompt", "workflow_id", "attempt")
_RESULT_FIELDS: Final = (*FIGURES, "finish_reason", "origin")


def read_field(source: object, name: str) -> object:
    """Read a field of a mapping or an attribute of an object; None where there is none."""
    if source is None:
        return None
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name, None)


def _read_fields(source: object, names: Sequence[str]) -> Row:
    if isinstance(source, Mapping):
        return {name: source.get(name) for name in names}
    return {name: getattr(source, name, None) for name in names}


def build_interaction_dict(
    task_id: str,
    step_id: str | None,
    sub_task_id: str | None,
    role: str,
    context: object,
    llm_result: object,
) -> Row:
    """Collect the columns of one finished call, for `save_interaction`.

    Args:
        task_id: The task that the call served.
        step_id: The planned step, if there is one.
        sub_task_id: The sub-task, if there is one.
        role: `llm`, `planner` or any word of the caller.
        context: Mapping or object with `system_prompt`, `user_prompt` and perhaps
            `context_stats`, `workflow_id` and `attempt`.
        llm_result: Mapping or object with `model_name`, `input_tokens`, `output_tokens`,
            `latency_ms` and perhaps cache and reasoning tokens, `finish_reason`, `origin`,
            `explanation`, and `response` or `plan`, which may hold the explanation.
    """
    answer = read_field(llm_result, "response") or read_field(llm_result, "plan")
    explanation = read_field(llm_result, "explanation") or read_field(answer, "explanation")
    columns = _read_fields(llm_result, _RESULT_FIELDS) | _read_fields(context, _CONTEXT_FIELDS)
    columns.update(task_id=task_id, step_id=step_id, sub_task_id=sub_task_id, role=role)
    columns["usage_known"] = int(is_usage_known(columns, columns))
    columns["explanation"] = explanation
    columns["response"] = answer if isinstance(answer, str) else json_column(answer)[0]
    columns["context_stats_json"] = json_column(read_field(context, "context_stats"))[0]
    return {name: value for name, value in columns.items() if value is not None}
