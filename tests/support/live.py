"""Runs that are under way: ``forge`` as a process, and a model server that a test holds back."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from forge_obs import Interaction, Run, get_interactions, list_recent_runs, open_reader
from support.forked import DEADLINE_S, ForgeProcess
from support.llm_server import Exchange, Reply, tool
from support.script import answer, write_script
from support.waiting import wait_until

ON_WIRE = ("--model", "openai-chat:writer-1")
"""Options for the loopback model server."""


def run_options(repo: Path, *more: str) -> tuple[str, ...]:
    """Return the command line of a planned run."""
    return ("run", "Do it.", "--task-id", "t", "--repo", str(repo), "--plan", *more)


def end_gently(process: ForgeProcess, number: signal.Signals) -> tuple[str, str]:
    """Send a signal and return what the process printed until its end."""
    process.send_signal(number)
    return process.communicate(timeout=DEADLINE_S)


def kill(pid: int) -> None:
    """Kill a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def read_runs() -> list[Run]:
    """Read the runs on record, newest first."""
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    return list_recent_runs(engine) if engine is not None else []


def read_run() -> Run:
    """Read the only run, once it is on record."""
    wait_until(read_runs, "the run on record")
    [run] = read_runs()
    return run


def read_calls() -> list[Interaction]:
    """Read all calls."""
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    return get_interactions(engine) if engine is not None else []


PARTS = [
    {"sub_task_id": name, "description": f"Part {name}.", "target_files": [f"{name}.py"]}
    for name in ("p", "q")
]
PLAN = {
    "steps": [
        {"step_id": "first", "description": "Step first.", "target_files": ["first.py"]},
        {"step_id": "parts", "description": "Step parts.", "sub_tasks": PARTS},
        {"step_id": "last", "description": "Step last.", "target_files": ["last.py"]},
    ]
}
"""Three steps, one of them with two sub-tasks."""

WRITERS = ("first", "p", "q", "last")

ANSWERS = (
    {"role": "planner", "answer": PLAN},
    *(
        {"role": "llm", label: name, "answer": answer(f"{name}.py", f'WHO = "{name}"\n')}
        for label, name in (
            ("step_id", "first"),
            ("sub_task_id", "p"),
            ("sub_task_id", "q"),
            ("step_id", "last"),
        )
    ),
)
"""A scripted model's answers for `PLAN`."""


def follow_plan(exchange: Exchange) -> Reply:
    """Answer for `PLAN`: the plan, then for each unit its own file."""
    if exchange.prompts.tool == "plan":
        return tool(PLAN)
    return tool(answer(f"{name_unit(exchange)}.py", f'WHO = "{name_unit(exchange)}"\n'))


def name_unit(exchange: Exchange) -> str:
    """Tell which request this is: `plan`, or the unit of `PLAN` that it asks for."""
    if exchange.prompts.tool == "plan":
        return "plan"
    [name] = re.findall(r"Your (?:step|part) \((\w+)\):", exchange.prompts.user)
    return str(name)


class Held:
    """A handler that holds back the requests of some units until they are let go."""

    def __init__(self, *units: str) -> None:
        self._gates: dict[str, Event] = {unit: Event() for unit in units}

    def __call__(self, exchange: Exchange) -> Reply:
        """Answer at once, or when the unit is let go."""
        return replace(follow_plan(exchange), gate=self._gates.get(name_unit(exchange)))

    def let_go(self) -> None:
        """Answer everything from now on, what is being held too."""
        for gate in self._gates.values():
            gate.set()


class Gate:
    """A test command that waits, and a scripted model whose files it tests.

    The files of a scripted run are there without a request over the network, which takes a process
    seconds to be able to make.
    """

    def __init__(self, directory: Path, command: str = "") -> None:
        self._go = directory / "go"
        self._begun = directory / "begun"
        script = f"touch {self._begun}; {command} while [ ! -e {self._go} ]; do sleep 0.05; done"
        self.tests = ("--run-tests", "--test-command", script)
        """Options that have any model's files tested."""
        self.options = ("--model", write_script(directory / "script.json", *ANSWERS), *self.tests)

    def wait(self) -> None:
        """Wait until the command runs."""
        wait_until(self._begun.exists, "the test command")

    def let_go(self) -> None:
        """Let the command succeed, now and whenever it runs again."""
        self._go.touch()


def list_units(exchanges: list[Exchange]) -> list[str]:
    """Name the unit of each request, in order."""
    return [name_unit(exchange) for exchange in exchanges]


@contextmanager
def slow_git(directory: Path, patch: pytest.MonkeyPatch) -> Iterator["SlowGit"]:
    """Put a git first on PATH that waits before it makes a worktree, until the block ends."""
    slow = SlowGit(directory)
    directory.mkdir()
    (directory / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *"worktree add"*) {slow.script};; esac\n'
        f'PATH={os.environ["PATH"]} exec git "$@"\n'
    )
    (directory / "git").chmod(0o755)
    with patch.context() as own:
        own.setenv("PATH", f"{directory}:{os.environ['PATH']}")
        try:
            yield slow
        finally:
            slow.let_go()


class SlowGit:
    """Whether a git waits, and for how long."""

    def __init__(self, directory: Path) -> None:
        self._begun, self._go = directory / "begun", directory / "go"
        self.script = f"touch {self._begun}; while [ ! -e {self._go} ]; do sleep 0.05; done"

    def wait(self) -> None:
        """Wait until it waits."""
        wait_until(self._begun.exists, "git")

    def let_go(self) -> None:
        """Let it make the worktree, now and from now on."""
        self._go.touch()
