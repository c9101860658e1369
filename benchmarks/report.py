"""What a report of a long run costs: a hundred steps of 400 kB prompts."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from forge_obs import LLMStats, flush, record

STEPS = 100
COMMON_LINES, OWN_LINES = 6_000, 400
"""Lines of a prompt that all steps are shown, and that only one is; of some 62 characters."""

LIMIT_S = 3.0
LIMIT_SHARE = 0.10

WORKFLOW = "forge-long-00000000"
STATS = LLMStats(model_name="m", input_tokens=100_000, output_tokens=900, latency_ms=9_000)


def main() -> int:
    """Print the time and the size of the page; 1 if one is beyond its limit."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "HOME": directory, "FORGE_DB_PATH": f"{directory}/forge.db"}
        os.environ["FORGE_DB_PATH"] = environment["FORGE_DB_PATH"]
        characters = _fill_store()
        page = Path(directory, "page.html")
        forge = str(Path(sys.executable).with_name("forge"))
        started = time.perf_counter()
        subprocess.run(
            [forge, "report", WORKFLOW, "-o", page],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took_s = time.perf_counter() - started
        share = page.stat().st_size / characters
    print(f"a report of {STEPS} steps, {characters / 1e6:.0f} MB of text")
    print(f"{'made in':<10} {took_s:6.2f} s   limit {LIMIT_S} s: {_judge(took_s, LIMIT_S)}")
    print(f"{'its size':<10} {share:6.1%} of the text   limit {LIMIT_SHARE:.0%}: ", end="")
    print(_judge(share, LIMIT_SHARE))
    return int(took_s > LIMIT_S or share > LIMIT_SHARE)


def _judge(figure: float, limit: float) -> str:
    return "ok" if figure <= limit else "BEYOND"


def _fill_store() -> int:
    """Record a run whose steps see what the earlier ones wrote; gives the characters of all."""
    source = random.Random(1)  # noqa: S311 - no secret
    lines = [_make_line(source) for _ in range(COMMON_LINES)]
    steps: list[dict[str, Any]] = []
    total = 0
    for number in range(STEPS):
        lines[source.randrange(COMMON_LINES)] = _make_line(source)
        own = [_make_line(source) for _ in range(OWN_LINES)]
        prompt, answer = "".join([*lines, *own]), "".join(own[:40])
        step_id = f"step-{number}"
        record(
            "interaction",
            task_id="long",
            workflow_id=WORKFLOW,
            step_id=step_id,
            role="llm",
            attempt=1,
            system_prompt="You write code.",
            user_prompt=prompt,
            response=answer,
            stats=STATS,
        )
        total += len(prompt) + len(answer)
        attempt = {"attempt": 1, "signal": "success"}
        steps.append({"step_id": step_id, "status": "success", "attempts": [attempt]})
    record(
        "run",
        task_id="long",
        workflow_id=WORKFLOW,
        status="success",
        result={"step_results": steps},
        description="A long run.",
    )
    flush()
    return total


def _make_line(source: random.Random) -> str:
    words = " ".join(source.choice(_WORDS) for _ in range(8))
    return f"    {words} = {source.randrange(10**6)}\n"


_WORDS = ("value", "result", "self", "return", "index", "count", "token", "for", "in", "if", "path")
