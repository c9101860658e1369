"""Record the README's pictures from a run: while it goes on, and why its third step failed.

`hatch run docs` draws `docs/run.svg` and `docs/status.svg` anew, unless they say the same already
but for ids, times and figures; `--check` only compares. Command, server, git, checks and record are
real. The model is a stand-in on this machine, which gives the answers of `forge demo` and counts
four characters as a token.
"""

import html
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import forge_cli
from forge_cli.actions.run.demo import make_repository
from rich.text import Text

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path[:0] = [str(DOCS), str(ROOT / "tests")]

from support.llm_server import Exchange, LLMServer, Reply, tool  # noqa: E402
from support.llm_wires import Usage  # noqa: E402
from support.terminal import on_terminal  # noqa: E402
from terminal_svg import draw_terminal, read_words  # noqa: E402

FORGE = (str(Path(sys.executable).with_name("forge")),)
MODEL = "anthropic:claude-sonnet-5"
RUN = ("run", "Track best-before dates, report what expires", "--plan", "--task-id", "dates")
COLUMNS = 104
SUB_TASKS = 2
"""How many the plan has."""

SHOWN_PLACE = "~/src"
"""Stands in the pictures for the temporary directory of the recording."""

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_S = 80
"""How fast the stand-in answers while pictures are recorded."""

DESCRIPTIONS = {
    "best-before": "Date every item.",
    "reports": "Write both reports.",
    "expiring": "What expires soon.",
    "shopping": "What to buy.",
}
"""The plan's words, short enough for the pictures' width; other units keep theirs."""

MASKS: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT"),
    (r"forge-dates-[0-9a-f]{4}-[0-9a-f]{8}|forge-dates-[0-9a-f]{8}", "RUN"),
    (r"\b[0-9a-f]{12}\b", "COMMIT"),
    (r"\b[0-9a-f]{8}\b", "CALL"),
    (r"\d+ min \d+ s|\d+\.\d s|\d+ ms", "TIME"),
    (r"\$[\d.]+( by genai-prices \S+)?|[\d,.]+k?\b(?! (steps|calls|finding))", "FIGURE"),
    (r"model TIME, .*", "TIMES"),
    (r"\nwaited\n[^$]*?\nfiles\n", "\nfiles\n"),  # of which waits were long enough to be told
)
"""What differs from one recording to the next, and what stands for it."""


class StandIn:
    """Plays a provider with the demonstration's answers; those to sub-tasks wait to be let go."""

    def __init__(self, *, tokens_per_s: float) -> None:
        script = Path(forge_cli.__file__).parent / "demo" / "answers.json"
        self._entries = json.loads(script.read_text(encoding="utf-8"))["answers"]
        self._tokens_per_s = tokens_per_s
        self.sub_tasks = threading.Event()
        """Lets the answers to sub-tasks go."""

    def __call__(self, exchange: Exchange) -> Reply:
        """Answer a request after the time that a model would take."""
        prompts = exchange.prompts
        answer = self._find_answer(prompts.tool == "plan", prompts.user)
        count = len(json.dumps(answer)) // CHARACTERS_PER_TOKEN
        asked = len(prompts.system + prompts.user) // CHARACTERS_PER_TOKEN
        reply = tool(answer, usage=Usage(input_tokens=asked, output_tokens=count))
        return Reply(reply.content, usage=reply.usage, gate=self._make_gate(prompts.user, count))

    def _make_gate(self, prompt: str, count: int) -> threading.Event:
        if "Your part (" in prompt:
            return self.sub_tasks
        gate = threading.Event()
        threading.Timer(count / self._tokens_per_s, gate.set).start()
        return gate

    def _find_answer(self, is_plan: bool, prompt: str) -> dict[str, Any]:
        if is_plan:
            return _shorten_plan(self._entries[0]["answer"])
        [unit] = re.findall(r"Your (?:step|part) \(([\w-]+)\):", prompt)
        attempt = 2 if "Previous attempt" in prompt else 1
        for entry in self._entries[1:]:
            names = (entry.get("sub_task_id", entry.get("step_id")), entry.get("attempt", 1))
            if names == (unit, attempt):
                answer: dict[str, Any] = entry["answer"]
                return answer
        raise LookupError(f"the script has no answer for {unit}, attempt {attempt}")


def _shorten_plan(plan: dict[str, Any]) -> dict[str, Any]:
    for step in plan["steps"]:
        for unit in (step, *step.get("sub_tasks", ())):
            name = unit.get("sub_task_id", unit.get("step_id"))
            unit["description"] = DESCRIPTIONS.get(name, unit["description"])
    return plan


def record(*, tokens_per_s: float) -> dict[str, str]:
    """Run a task on a terminal and draw what it showed, by the names of the pictures."""
    stand_in = StandIn(tokens_per_s=tokens_per_s)
    with tempfile.TemporaryDirectory() as place, LLMServer(stand_in) as server:
        _make_environment(Path(place), server)
        os.chdir(make_repository(Path(place) / "pantry"))
        live = _record_run(stand_in)
        run = _find_run()
        status = _show("status", "--workflow-id", run, "--no-pager")
        shown = {
            "run.svg": ("forge " + shlex.join(RUN).replace("'", '"'), live),
            "status.svg": (f"forge status {run}", status),
        }
        os.chdir(ROOT)
        return {
            name: _draw(command, output.replace(str(Path(place).resolve()), SHOWN_PLACE))
            for name, (command, output) in shown.items()
        }


def _make_environment(place: Path, server: LLMServer) -> None:
    """Leave out everybody's configuration and store; the state directory stays, with its server."""
    os.environ.pop("HATCH_ENV_ACTIVE", None)  # hints name the command as users start it
    for name in list(os.environ):
        if name.startswith(("FORGE_", "TEMPORAL_", "OTEL_")) or name == "NO_COLOR":
            del os.environ[name]
    os.environ.update(
        FORGE_DB_PATH=str(place / "forge.db"),
        FORGE_MODEL=MODEL,
        XDG_CONFIG_HOME=str(place),
        TERM="xterm-256color",
        COLUMNS=str(COLUMNS),
        LINES="40",
        **server.environment,
    )


def _record_run(stand_in: StandIn) -> str:
    """Run the task and return what the terminal showed while both sub-tasks were under way."""
    frame = ""
    with on_terminal((*FORGE, *RUN), os.environ) as terminal:
        try:
            while len(re.findall(r"asking(?: |\x1b\[[\d;]*m)*[2-9]\.", frame)) < SUB_TASKS:
                terminal.wait_for("\r\x1b[2K")
                frame = re.split(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*", terminal.shown)[-2]
        finally:
            stand_in.sub_tasks.set()
        terminal.read_to_end()
    return frame.replace("\r\n", "\n")


def _find_run() -> str:
    command = [*FORGE, "status", "--json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [run] = json.loads(listed)["runs"]
    workflow_id: str = run["workflow_id"]
    return workflow_id


def _show(*arguments: str) -> str:
    """Return what a command shows on a terminal, with its colours."""
    with on_terminal((*FORGE, *arguments), os.environ) as terminal:
        return terminal.read_to_end().replace("\r\n", "\n")


def _draw(command: str, output: str) -> str:
    prompt = Text.assemble(("$ ", "green"), (command, "bold"), "\n")
    return draw_terminal(command, prompt + Text.from_ansi(output.rstrip()), COLUMNS)


def update(path: Path, picture: str, *, check: bool) -> None:
    """Write a picture whose masked words changed, or complain about it."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if _mask(old) == _mask(picture):
        return
    if check:
        raise SystemExit(f"{path} is not up to date: run hatch run docs")
    path.write_text(picture, encoding="utf-8")


def _mask(picture: str) -> list[str]:
    """List the words of a picture; which of two sub-tasks stands first differs, too."""
    text = html.unescape(read_words(picture))
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return sorted(text.split())


def main(arguments: list[str]) -> None:
    """Record, then write or compare."""
    check = "--check" in arguments
    pictures = record(tokens_per_s=10_000 if check else TOKENS_PER_S)
    for name, picture in pictures.items():
        update(DOCS / name, picture, check=check)


if __name__ == "__main__":
    main(sys.argv[1:])
