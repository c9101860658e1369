"""What a report of a long run costs: a hundred steps of 400 kB prompts.

That it is made is the processor's time; how long the page takes to open is measured where Chromium
or Chrome is on the path.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from forge_obs import LLMStats, flush, record

from benchmarks.status import Command, measure

STEPS = 100
COMMON_LINES, OWN_LINES = 6_000, 400
"""Lines of a prompt that all steps are shown, and that only one is; of some 62 characters."""

LIMIT_S = 3.0
LIMIT_SHARE = 0.10
OPENING_LIMIT_S = 1.0
TURNS = 3

FRAME = """<!doctype html><body>
<script>
  const began = performance.now();
  function note() { document.body.dataset.opened = (performance.now() - began) / 1000; }
</script>
<iframe width=1200 height=900 onload="note()" src="page.html"></iframe>
"""
"""A page that tells how long another one took to be loaded in it, the browser's start apart."""

WORKFLOW = "forge-long-00000000"
STATS = LLMStats(model_name="m", input_tokens=100_000, output_tokens=900, latency_ms=9_000)


def main() -> int:
    """Print the time and the size of the page; 1 if one is beyond its limit."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FORGE_DB_PATH"] = f"{directory}/forge.db"
        characters = _fill_store()
        page = Path(directory, "page.html")
        arguments = ("-m", "forge_cli", "report", WORKFLOW, "-o", str(page))
        report = Command(arguments, {"HOME": directory})
        took_s = median(turn["report"] for turn in measure({"report": report}, TURNS)) / 1000
        share = page.stat().st_size / characters
        opened_s = _open(page)
    print(f"a report of {STEPS} steps, {characters / 1e6:.0f} MB of text")
    print(f"{'made in':<10} {took_s:6.2f} s   limit {LIMIT_S} s: {_judge(took_s, LIMIT_S)}")
    print(f"{'its size':<10} {share:6.1%} of the text   limit {LIMIT_SHARE:.0%}: ", end="")
    print(_judge(share, LIMIT_SHARE))
    if opened_s is None:
        print("opened in: not measured, no Chromium or Chrome is on the path")
    else:
        print(f"{'opened in':<10} {opened_s:6.2f} s   limit {OPENING_LIMIT_S} s: ", end="")
        print(_judge(opened_s, OPENING_LIMIT_S))
    is_slow = took_s > LIMIT_S or (opened_s or 0) > OPENING_LIMIT_S
    return int(is_slow or share > LIMIT_SHARE)


def _open(page: Path) -> float | None:
    """Return the seconds that a browser takes to load a page; None where there is no browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return None
    frame = page.with_name("frame.html")
    frame.write_text(FRAME, encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={page.with_name('profile')}", frame.as_uri()]
    durations = []
    for _ in range(TURNS):
        shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        [told] = re.findall(r'data-opened="([^"]+)"', shown.stdout)
        durations.append(float(told))
    return min(durations)


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
