"""Whether rendering stays linear: lines of one and of two megabytes, for everything printed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from forge_cli.escape import escape
from forge_cli.render.calls.listing import render_interactions
from forge_cli.render.runs.run_list import render_run_list
from forge_cli.render.runs.run_tree import render_run
from forge_cli.views.costs import NO_PRICES
from forge_cli.views.run import build_run_view
from forge_obs import Interaction, Run

TURNS = 5
SIZE = 1_000_000
LIMIT = 3.0
"""How many times as long a text of twice the length may take; four would be a square."""

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    """Print each ratio; 1 if one is too high."""
    print(f"a line of {2 * SIZE:,} characters beside one of {SIZE:,}, median of {TURNS}")
    kept = [_judge(name, render) for name, render in RENDERERS.items()]
    return int(not all(kept))


def _judge(name: str, render: Callable[[str], object]) -> bool:
    one, two = _seconds(render, "x\x1b" * (SIZE // 2)), _seconds(render, "x\x1b" * SIZE)
    kept = two / one <= LIMIT
    print(f"{name:<10} {one * 1000:6.0f} ms, {two * 1000:6.0f} ms: {two / one:.2f}", end=" ")
    print(f"limit {LIMIT}: {'ok' if kept else 'TOO SLOW'}")
    return kept


def _seconds(render: Callable[[str], object], text: str) -> float:
    durations = []
    for _ in range(TURNS):
        started = time.process_time()
        render(text)
        durations.append(time.process_time() - started)
    return median(durations)


def _render_tree(text: str) -> object:
    run = Run(workflow_id=text, task_id=text, repo_root=text, created_at=BEGAN)
    call = Interaction(step_id=text, error=text, status="error", created_at=BEGAN)
    return render_run(build_run_view(run, "running", None, BEGAN), [call], NO_PRICES)


def _render_list(text: str) -> object:
    run = Run(workflow_id=text, task_id=text, created_at=BEGAN)
    return render_run_list([build_run_view(run, "running", None, BEGAN)])


RENDERERS: dict[str, Callable[[str], object]] = {
    "escape": escape,
    "call": lambda text: render_interactions([Interaction(user_prompt=text)]),
    "tree": _render_tree,
    "list": _render_list,
}


if __name__ == "__main__":
    raise SystemExit(main())
