"""A planner's answer as the list of its steps."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from forge_cli.escape import escape_line
from forge_cli.render.wrapping import wrap_prose

STEPS = "steps"
SUB_TASKS = "sub_tasks"

PATHS = {"target_files": "changes", "context_files": "sees"}
"""Lists of paths of a step, and what it does with them."""


def render_plan(document: object, width: int | None) -> Text | None:
    """Render a plan; None for what has not the form of one."""
    steps = document.get(STEPS) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(steps, list) or not steps:
        return None
    if not all(isinstance(step, dict) and "step_id" in step for step in steps):
        return None
    lines: list[str] = []
    explanation = document.get("explanation")
    if isinstance(explanation, str) and explanation:
        lines += [escape_line(explanation), ""]
    for number, step in enumerate(steps, start=1):
        lines += _render(step, f"{number}. ", "step_id", "   ")
        parts = step.get(SUB_TASKS)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                lines += _render(part, "   - ", "sub_task_id", "     ")
    return Text(wrap_prose("\n".join(lines), width))


def _render(unit: Mapping[str, Any], lead: str, key: str, indent: str) -> Iterator[str]:
    """Render a step or a sub-task: its name and description, then its files."""
    yield escape_line(f"{lead}{unit.get(key)}: {unit.get('description') or ''}")
    for name, verb in PATHS.items():
        paths = unit.get(name)
        if isinstance(paths, list) and paths:
            yield escape_line(f"{indent}{verb} {', '.join(map(str, paths))}")
