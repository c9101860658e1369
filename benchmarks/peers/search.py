"""What it costs to find a text among the same calls: `forge calls` and the peers that can do it.

A command is a whole process; a server runs already, and is asked by the cheapest request that gives
the same answer. Times are the processor's, of the command or of the server.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.peers import datasette, phoenix
from benchmarks.peers.llm_log import LlmLog
from benchmarks.peers.rows import Call
from benchmarks.peers.servers import Server

HITS = 20
"""How many calls are asked for."""

TURNS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A text to be found; as words in this order it is in the same calls as as characters.

    Attributes:
        hits: How many of the calls that are asked for there are.
    """

    name: str
    text: str
    hits: int


@dataclass(frozen=True, slots=True)
class Tool:
    """What can find a text.

    Attributes:
        find: Gives how many calls it finds, of those that are asked for.
        read_cpu_s: Gives the processor time that it has taken so far, in seconds.
    """

    name: str
    find: Callable[[str], int | None]
    read_cpu_s: Callable[[], float]


def compare(store: Path, questions: Sequence[Question]) -> None:
    """Print what each tool that is installed takes for each question, and how to get the others.

    Args:
        store: Forge's, with the calls; the others are filled from it, beside it.
        questions: What is asked.
    """
    with ExitStack() as stack:
        tools = list(_open_tools(store, stack))
        print(f"{HITS} hits as JSON: seconds of the processor, median of {TURNS} in turns")
        print(f"  {'':<32}" + "".join(f"{question.name:<16}" for question in questions))
        for tool, answers in zip(tools, _measure(tools, questions), strict=True):
            print(f"  {tool.name:<32}" + "".join(f"{answer:<16}" for answer in answers))
        print("(in brackets: how many hits, where that is not what there are)", flush=True)


def _measure(tools: Sequence[Tool], questions: Sequence[Question]) -> list[list[str]]:
    """Ask all tools in turns, one question after the other."""
    answers: list[list[str]] = [[] for _ in tools]
    for question in questions:
        turns = [[_ask(tool, question.text) for tool in tools] for _ in range(TURNS)]
        for told, of_tool in zip(answers, zip(*turns, strict=True), strict=True):
            hits, seconds = of_tool[0][0], median(took for _, took in of_tool)
            told.append(f"{seconds:.3f} {_tell_hits(hits, question)}")
    return answers


def _tell_hits(hits: int | None, question: Question) -> str:
    """Tell what else came than what is there."""
    if hits is None:
        return "refused"
    return "" if hits == question.hits else f"({hits})"


def _ask(tool: Tool, text: str) -> tuple[int | None, float]:
    before = tool.read_cpu_s()
    hits = tool.find(text)
    return hits, tool.read_cpu_s() - before


def _open_tools(store: Path, stack: ExitStack) -> Iterator[Tool]:
    """Open and fill whatever is installed; says of the rest how to get it."""
    print(f"forge: {_measure_size(store)}")
    yield Tool("forge calls", partial(_find_by_forge, store), _read_children_s)
    paths = [store]
    if find_spec("llm") is None:
        print("llm: not installed: hatch run peers:bench across_runs")
    else:
        log = store.with_name("logs.db")
        _fill("llm", log, lambda: LlmLog(log).fill(_read_calls(store)))
        paths.append(log)
        yield Tool("llm logs -q, best first", partial(_find_by_llm, log), _read_children_s)
        newest = partial(_find_by_llm, log, "--latest")
        yield Tool("llm logs -q --latest", newest, _read_children_s)
    if not datasette.is_installed():
        print("Datasette: not installed: hatch run peers:bench across_runs")
    else:
        yield from _open_datasette(stack.enter_context(datasette.serve(paths)), paths)
    command = phoenix.find_command()
    if command is None:
        print(f"Phoenix: not installed: {phoenix.HOW_TO_GET.format('across_runs')}")
    else:
        yield _open_phoenix(command, store, stack)


def _open_datasette(server: Server, paths: Sequence[Path]) -> Iterator[Tool]:
    print(f"Datasette {version('datasette')}: on these files")
    limits = {"": datasette.DEFAULT_MS, ", no limit": datasette.LONGEST_MS}
    for path in paths:
        for name, limit_ms in limits.items():
            find = partial(datasette.find, server, path.stem, HITS, limit_ms)
            yield Tool(f"Datasette, {path.name}{name}", find, server.read_cpu_s)


def _open_phoenix(command: str, store: Path, stack: ExitStack) -> Tool:
    directory = store.parent / "phoenix"
    server = stack.enter_context(phoenix.serve(command, directory))
    database = phoenix.locate_database(directory)
    _fill("Phoenix", database, lambda: phoenix.fill(server, directory, _read_calls(store)))
    find = partial(phoenix.find, server, limit=HITS)
    return Tool("Phoenix, spans", find, server.read_cpu_s)


def _fill(name: str, path: Path, fill: Callable[[], None]) -> None:
    started = time.perf_counter()
    fill()
    took_s = time.perf_counter() - started
    print(f"{name}: {_measure_size(path)}, filled in {took_s:.0f} s", flush=True)


def _measure_size(path: Path) -> str:
    return f"{path.stat().st_size / 1e9:.2f} GB"


def _read_calls(store: Path) -> Iterator[Call]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        chosen = "SELECT id, user_prompt, response FROM interactions ORDER BY id"
        yield from (Call(*row) for row in connection.execute(chosen))


def _find_by_forge(store: Path, text: str) -> int:
    arguments = ("calls", text, "--jsonl", "--limit", str(HITS))
    lines = _run("forge_cli", arguments, {"FORGE_DB_PATH": str(store)}, ends=(0, 1))
    return len(lines.splitlines())


def _find_by_llm(log: Path, *options_and_text: str) -> int:
    *options, text = options_and_text
    arguments = ("logs", "-q", f'"{text}"', "-n", str(HITS), "--json", *options)
    return len(json.loads(_run("llm", arguments, {"LLM_USER_PATH": str(log.parent)})))


def _run(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    ends: Sequence[int] = (0,),
) -> bytes:
    """Run a command; gives what it prints.

    Raises:
        RuntimeError: Its exit code is none of `ends`.
    """
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=False,
    )
    if ended.returncode not in ends:
        raise RuntimeError(f"{module} {' '.join(arguments)}: exit code {ended.returncode}")
    return ended.stdout


def _read_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
