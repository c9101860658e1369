"""What commands cost as whole processes, beside merely importing the libraries they rest on.

All are run in turns, on a store of a million calls and on small ones, and judged by the processor
time that they take, on which other load of the machine has little influence. `llm logs`, the peer,
is measured where it is installed: `hatch run peers:bench status`.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from forge_core.git.commits.trailers import CommitTrailers, build_message
from forge_obs import LLMStats, flush, record, upgrade

from benchmarks.peers.llm_log import LlmLog
from benchmarks.reading import MIDDLE, fill_store

TURNS = 11

HELLO = """
from cyclopts import App
app = App(name="hello")
@app.default
def main(name: str = "you"):
    '''Say hello.'''
    print(name)
app(["--help"])
"""

PEER_CALLS = 1_000

FORGE = ("-m", "forge_cli")


@dataclass(frozen=True, slots=True)
class Limit:
    """What a command may cost, as a ratio to another one."""

    command: str
    beside: str
    ratio: float
    at_least: bool = False
    """Whether the other one has to cost that much more, instead."""


LIMITS = (
    Limit("forge --help", "cyclopts hello", 1.5),
    Limit("forge status", "bare imports", 1.2),
    Limit("forge status --workflow-id", "bare imports", 1.2),
    Limit("forge show", "bare imports", 1.2),
    Limit("forge status", "forge status, empty store", 1.15),
    Limit("forge status --workflow-id", "forge status --workflow-id, small store", 1.15),
    Limit("forge show", "forge show, small store", 1.15),
    Limit("forge diff", "forge status", 1.3),
    Limit("forge blame", "forge status", 1.3),
    Limit("forge analyze", "forge status", 1.3),
    Limit("forge calls", "forge status", 1.3),
    Limit("forge status", "llm logs -n 3", 1.7, at_least=True),
    Limit("forge status --workflow-id", "llm logs -n 3", 1.7, at_least=True),
    Limit("forge show", "llm logs -n 3", 1.7, at_least=True),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A Python process to be measured."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


def main() -> int:
    """Print processor times and their ratios; 1 if a promise is broken."""
    with tempfile.TemporaryDirectory() as directory:
        commands = _prepare(Path(directory))
        turns = measure(commands)
    print(f"whole processes in turns, processor time, median of {TURNS}")
    for name in commands:
        print(f"{name:<42} {median(turn[name] for turn in turns):6.0f} ms")
    kept = [_judge(limit, turns) for limit in LIMITS if limit.beside in commands]
    return int(not all(kept))


def _judge(limit: Limit, turns: Sequence[Mapping[str, float]]) -> bool:
    """Compare two commands in each turn, so that a slow moment of the machine meets both."""
    ratio = median(turn[limit.command] / turn[limit.beside] for turn in turns)
    if limit.at_least:
        kept, said = 1 / ratio >= limit.ratio, f"{1 / ratio:.2f} times as fast as"
    else:
        kept, said = ratio <= limit.ratio, f"{ratio:.2f} of"
    print(
        f"{limit.command:<28} {said:>22} {limit.beside:<40} limit {limit.ratio}:"
        f" {'ok' if kept else 'TOO SLOW'}"
    )
    return kept


def measure(commands: Mapping[str, Command], turns: int = TURNS) -> list[dict[str, float]]:
    """Run commands in turns; gives the processor times of each turn in milliseconds."""
    for command in commands.values():
        _time_process(command)
    return [
        {name: _time_process(command) for name, command in commands.items()} for _ in range(turns)
    ]


def _time_process(command: Command) -> float:
    before = _children_s()
    done = subprocess.run(
        [sys.executable, *command.arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **command.environment},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode(errors="replace"))
    return (_children_s() - before) * 1000


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _prepare(directory: Path) -> dict[str, Command]:
    large, small, empty = (directory / f"{name}.db" for name in ("large", "small", "empty"))
    fill_store(large)
    upgrade(empty)
    _fill_small(small)
    shared = {"XDG_CACHE_HOME": str(directory / "cache"), "FORGE_DB_PATH": str(large)}

    def forge(*arguments: str, store: Path = large) -> Command:
        return Command((*FORGE, *arguments), {**shared, "FORGE_DB_PATH": str(store)})

    run = ("status", "--workflow-id", MIDDLE)
    commands = {
        "bare imports": Command(("-c", "import cyclopts, rich.table, sqlalchemy"), shared),
        "cyclopts hello": Command(("-c", HELLO), shared),
        "forge --help": forge("--help"),
        "forge status": forge("status"),
        "forge status, empty store": forge("status", store=empty),
        "forge status --workflow-id": forge(*run),
        "forge status --workflow-id, small store": forge(*run, store=small),
        "forge show": forge("show", _find_call(large)),
        "forge show, small store": forge("show", _find_call(small), store=small),
        "forge diff": forge("diff", *_record_attempts(large)),
        "forge analyze": forge("analyze", ANSWERING_RUN),
        "forge calls": forge("calls"),
        "forge blame": forge("blame", "a.py:1", "--repo", str(_make_repository(directory))),
    }
    if find_spec("llm") is None:
        print("status: `llm` is not installed: hatch run peers:bench status measures it, too")
        return commands
    _fill_peer(directory)
    peer = {**shared, "LLM_USER_PATH": str(directory)}
    return {**commands, "llm logs -n 3": Command(("-m", "llm", "logs", "-n", "3"), peer)}


def _fill_small(path: Path) -> None:
    """Record one run with as many calls as each has in the large store."""
    os.environ["FORGE_DB_PATH"] = str(path)
    stats = LLMStats(model_name="m", input_tokens=900, output_tokens=80, latency_ms=812.5)
    for number in range(10):
        record(
            "interaction",
            task_id="task-0",
            workflow_id=MIDDLE,
            role="llm",
            system_prompt="Be brief.",
            user_prompt=f"call {number}",
            response="done",
            stats=stats,
        )
    record(
        "run",
        task_id="task-0",
        workflow_id=MIDDLE,
        status="success",
        result={"step_results": []},
        finished_at=datetime.now(UTC),
    )
    flush()


ANSWERING_RUN = "forge-answers-0123abcd"


def _record_attempts(path: Path) -> tuple[str, str]:
    """Record two attempts at a step that answer with files; give the ids of their calls."""
    os.environ["FORGE_DB_PATH"] = str(path)
    ids = ("a" * 32, "b" * 32)
    for number, entry_id in enumerate(ids, start=1):
        answer = {"files": [{"file_path": "a.py", "content": f"x = {number}\n"}]}
        record(
            "interaction",
            entry_id=entry_id,
            task_id="answers",
            workflow_id=ANSWERING_RUN,
            role="llm",
            attempt=number,
            system_prompt="Be brief.",
            user_prompt=f"Do it.\n\nAttempt {number}.",
            response=json.dumps(answer),
        )
    record("run", task_id="answers", workflow_id=ANSWERING_RUN, status="success", result={})
    flush()
    return ids


def _make_repository(directory: Path) -> Path:
    """Make a repository whose file was written by the second of these attempts."""
    repo = directory / "repository"
    repo.mkdir()
    (repo / "a.py").write_text("x = 2\n", encoding="utf-8")
    trailers = CommitTrailers(ANSWERING_RUN, None, 2, ("b" * 32,))
    message = build_message("Do it", trailers)
    for arguments in (["init", "--quiet"], ["add", "a.py"], ["commit", "--quiet", "-m", message]):
        git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
        subprocess.run([*git, *arguments], cwd=repo, check=True)
    return repo


def _find_call(path: Path) -> str:
    """Find the short id of a call in the middle of a store."""
    chosen = "SELECT entry_id FROM interactions WHERE workflow_id = ? LIMIT 1"
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute(chosen, (MIDDLE,)).fetchone()[0])[:12]


def _fill_peer(directory: Path) -> None:
    """Log calls with the peer's own functions, where its command looks for them."""
    log = LlmLog(directory / "logs.db")
    database = log.connect()
    for number in range(PEER_CALLS):
        log.ask(f"call {number}").log_to_db(database)


if __name__ == "__main__":
    raise SystemExit(main())
