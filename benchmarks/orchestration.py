"""What Temporal and Forge themselves cost, beside the model, git and ruff.

Runs go through a real server and a worker in this process, as ``forge run`` has them. The time in
which a git or ruff process was alive is taken out; a server on loopback stands in for the model.
"""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server
from forge_core.models.task import TaskDefinition
from forge_core.runs.client import submit_run, wait_for_result
from forge_core.runs.resolve import RunSettings, resolve_run
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_core.worker.worker import running_worker
from forge_obs import get_db_path, list_recent_runs, open_reader, upgrade
from temporalio.client import Client

from benchmarks.demo import Interval, union

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.llm_server import Exchange, LLMServer, Reply, tool
from support.repository import make_repository
from support.script import answer, write_script

STEPS = 20
ROUNDS = 3
PARTS = 8
MODEL_S = 1.0
MODEL = "openai-chat:writer-1"


@dataclass
class Bench:
    """A worker, its queue and the model's server."""

    client: Client
    queue: str
    home: Path
    model: LLMServer
    started: int = 0

    async def run(self, model: str = MODEL, *, plan: bool) -> float:
        """Run a task in a repository of its own and say how many seconds it took."""
        self.started += 1
        name = f"r{self.started}"
        repo = await asyncio.to_thread(make_repository, self.home / name, {"README.md": "# x\n"})
        task = TaskDefinition(task_id=name, description="Do the work.")
        work = resolve_run(task, repo, RunSettings(model, model, plan=plan))
        begun = time.perf_counter()
        handle = await submit_run(self.client, work, f"forge-{name}-{os.getpid():08x}", self.queue)
        result = await wait_for_result(handle)
        assert result.status == "success", result.error
        return time.perf_counter() - begun


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as home, environment(Path(home)):
        upgrade(get_db_path() or "")
        asyncio.run(measure(Path(home)))


async def measure(home: Path) -> None:
    """Measure each figure in one session of a server and a worker."""
    async with running_bench(home) as bench:
        await bench.run(plan=False)
        await measure_steps(bench)
        await measure_fan_out(bench)
        await measure_many(bench, 16)
        await measure_many(bench, 100)


async def measure_steps(bench: Bench) -> None:
    """Measure what a step of a sequential plan takes without model, git and ruff."""
    model = write_plan(bench.home / "script.json", STEPS)
    shares, processes = [], []
    for _ in range(ROUNDS):
        TimedProcess.intervals.clear()
        seconds = await bench.run(model, plan=True)
        busy = union(TimedProcess.intervals)
        shares.append((seconds - busy) / STEPS * 1000)
        processes.append(busy / STEPS * 1000)
    show("own share of a step", shares, "ms", f"git and ruff {statistics.median(processes):.0f} ms")


async def measure_fan_out(bench: Bench) -> None:
    """Compare a step of parallel sub-tasks with one of a single one, the model taking a second."""
    ratios = []
    for _ in range(ROUNDS):
        seconds = {}
        for parts in (1, PARTS):
            bench.model.handler = slowly(answer_plan([fan_out(parts)]))
            seconds[parts] = await bench.run(plan=True)
        ratios.append(seconds[PARTS] / seconds[1])
    show(f"{PARTS} parallel sub-tasks to one", ratios, "x", f"model takes {MODEL_S:g} s")


async def measure_many(bench: Bench, count: int) -> None:
    """Compare many runs at once on one worker with one alone, the model taking a second."""
    bench.model.handler = slowly(answer_plan([]))
    alone = statistics.median([await bench.run(plan=False) for _ in range(ROUNDS)])
    begun = time.perf_counter()
    each = await asyncio.gather(*(bench.run(plan=False) for _ in range(count)))
    whole = time.perf_counter() - begun
    engine = open_reader(get_db_path() or "")
    assert engine is not None
    states = [run.status for run in list_recent_runs(engine, count)]
    assert states == ["success"] * count
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"all done in {whole:.1f} s, one alone {alone:.1f} s, peak memory {peak_mb:.0f} MB"
    show(f"{count} runs at once, a run to one alone", [took / alone for took in each], "x", note)


def show(label: str, values: list[float], unit: str, note: str) -> None:
    """Print a row of the table."""
    spread = f"({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    print(f"  {label:<38} {statistics.median(values):7.2f} {unit:<2} {spread:<18} {note}")


Respond = Callable[[Exchange], Reply]


def answer_plan(steps: list[dict[str, Any]]) -> Respond:
    """Answer with a plan where one is asked for, else with a file of its own."""

    def respond(exchange: Exchange) -> Reply:
        if exchange.prompts.tool == "plan":
            return tool({"steps": steps})
        name = f"f{abs(hash(exchange.prompts.user)) % 10**12}.py"
        return tool({"files": [{"file_path": name, "content": f"{name[:-3]} = 1\n"}]})

    return respond


def slowly(respond: Respond) -> Respond:
    """Have the model take its time."""

    def wait_and_respond(exchange: Exchange) -> Reply:
        time.sleep(MODEL_S)
        return respond(exchange)

    return wait_and_respond


def fan_out(parts: int) -> dict[str, Any]:
    """Return a step with this many sub-tasks."""
    return {
        "step_id": "parts",
        "description": "x",
        "sub_tasks": [{"sub_task_id": f"p{n}", "description": f"part {n}"} for n in range(parts)],
    }


@asynccontextmanager
async def running_bench(home: Path) -> AsyncIterator[Bench]:
    """Start the server, the worker and the model."""
    directory = get_state_dir()
    with LLMServer(answer_plan([])) as model:
        os.environ.update(model.environment)
        async with embedded_server(ServerSettings(directory), "tests") as address:
            client = await connect(embedded_config(address, directory))
            queue = f"bench-{os.getpid()}"
            bench = Bench(client, queue, home, model)
            with timed_processes():
                async with running_worker(client, queue):
                    yield bench


@contextmanager
def environment(home: Path) -> Iterator[None]:
    """Keep the user's state, store and keys out of it."""
    before = dict(os.environ)
    os.environ.update(XDG_STATE_HOME=str(home / "state"), FORGE_DB_PATH=str(home / "forge.db"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class TimedProcess(subprocess.Popen[bytes]):
    """A process that notes when it was alive."""

    intervals: ClassVar[list[Interval]] = []
    begun = 0.0

    def __new__(cls, *_: object, **__: object) -> Self:
        """Note the begin before the process is made: making it is part of its price."""
        process = super().__new__(cls)
        process.begun = time.perf_counter()
        return process

    def poll(self) -> int | None:
        """Look whether it has ended."""
        code = super().poll()
        self._note(code)
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        code = super().wait(timeout)
        self._note(code)
        return code

    def _note(self, code: int | None) -> None:
        if code is not None and self.begun:
            self.intervals.append((self.begun, time.perf_counter()))
            self.begun = 0.0


@contextmanager
def timed_processes() -> Iterator[None]:
    """Time the processes that are started in the block."""
    original = subprocess.Popen
    subprocess.Popen = TimedProcess  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        subprocess.Popen = original  # type: ignore[misc]


def write_plan(path: Path, steps: int) -> str:
    """Write a scripted model that plans steps and answers each with a file."""
    plan = {"steps": [{"step_id": f"s{n}", "description": "x"} for n in range(steps)]}
    answers = [
        {"step_id": f"s{n}", "answer": answer(f"f{n}.py", f"F{n} = {n}\n")} for n in range(steps)
    ]
    return write_script(path, {"role": "planner", "answer": plan}, *answers)
