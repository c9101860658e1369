"""What finding context costs beside one `ast.parse` of every file of the same package.

The package is copied into a git repository. *Cold* is everything from the worktree to the packed
prompt with an empty cache: both listings, graph, ranking, map, packing. *Warm* is the same with the
cache of another worktree of the repository. Baseline, cold and warm take turns in one process;
git's processor time counts, too.
The scale part does the same on generated modules, each size in a process of its own, for its peak
memory. Run it with `python -m benchmarks.context`.
"""

import ast
import gc
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import sqlalchemy
from forge_core.context.assemble import Prompt, build_prompt
from forge_core.models.task import ContextConfig, ForgeTaskInput, TaskDefinition
from forge_core.models.unit import WorkUnit, build_task_unit
from forge_core.prompts.instructions import WRITER
from forge_core.prompts.sections import build_unit_sections
from forge_core.sources.cache import SourceCache
from forge_core.sources.gather import ContextRequest, gather

TURNS = 7
TARGET = "sqlalchemy/orm/session.py"

COLD_LIMIT = 1.2
"""Times one parse of every file that the cold assembly may take."""

WARM_LIMIT = 0.05
"""Part of the cold assembly that the warm one may take."""

SIZES = (625, 1250, 2500, 5000)
"""Generated modules."""

MEMORY_LIMIT_MB = 300

EXPONENT_LIMIT = 1.15
"""Growth of time with the number of modules: 1 is linear; the rest is the machine's noise."""


@dataclass(frozen=True)
class Durations:
    """Medians of processor time in milliseconds."""

    parse_ms: float
    paused_ms: float
    """The same with the garbage collector off, as the assembly parses."""
    cold_ms: float
    warm_ms: float


@dataclass(frozen=True)
class Scale:
    """One size of the generated tree."""

    modules: int
    cold_s: float
    peak_mb: float


def measure(turns: int = TURNS) -> Durations:
    """Measure on the sources of SQLAlchemy."""
    with tempfile.TemporaryDirectory() as directory:
        repo = _make_package_repository(Path(directory, "repo"))
        other = Path(directory, "other")
        _git(repo, "worktree", "add", "--quiet", "--detach", str(other))
        contents = [path.read_bytes() for path in sorted(repo.rglob("*.py"))]
        shared = SourceCache(Path(directory, "shared.db"))
        _assemble(other, TARGET, shared)
        durations: tuple[list[float], ...] = ([], [], [], [])
        for turn in range(turns):
            fresh = SourceCache(Path(directory, f"fresh-{turn}.db"))
            acts: tuple[Callable[[], object], ...] = (
                lambda: _parse_all(contents),
                lambda: _parse_paused(contents),
                lambda cache=fresh: _assemble(repo, TARGET, cache),  # type: ignore[misc]
                lambda: _assemble(repo, TARGET, shared),
            )
            for act, found in zip(acts, durations, strict=True):
                found.append(_milliseconds(act))
    return Durations(*map(median, durations))


def measure_scale(modules: int) -> Scale:
    """Measure a generated tree in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.context", str(modules)]
    done = subprocess.run(command, capture_output=True, check=True)
    return Scale(**json.loads(done.stdout))


def main() -> int:
    """Print the tables; 1 if a figure is beyond its limit."""
    found = measure()
    cold, warm = found.cold_ms / found.parse_ms, found.warm_ms / found.cold_ms
    print("context of one unit on the sources of SQLAlchemy, p50 of processor time")
    print(f"{'':>6} {'ms':>8} {'ratio':>7} {'limit':>7}")
    print(f"{'parse':>6} {found.parse_ms:>8.0f}")
    print(f"{'paused':>6} {found.paused_ms:>8.0f} (parse with the garbage collector off)")
    print(f"{'cold':>6} {found.cold_ms:>8.0f} {cold:>6.2f}x {COLD_LIMIT:>6.2f}x")
    print(f"{'warm':>6} {found.warm_ms:>8.0f} {warm:>7.1%} {WARM_LIMIT:>7.1%}")
    scales = [measure_scale(size) for size in SIZES]
    print("cold on generated modules")
    print(f"{'modules':>8} {'s':>7} {'peak MB':>8}")
    for scale in scales:
        print(f"{scale.modules:>8} {scale.cold_s:>7.2f} {scale.peak_mb:>8.0f}")
    exponent = _fit_exponent(scales)
    print(f"time grows with modules to the {exponent:.2f} (limit {EXPONENT_LIMIT})")
    peak = max(scale.peak_mb for scale in scales)
    beyond = (
        cold > COLD_LIMIT,
        warm > WARM_LIMIT,
        exponent > EXPONENT_LIMIT,
        peak > MEMORY_LIMIT_MB,
    )
    return int(any(beyond))


def _fit_exponent(scales: list[Scale]) -> float:
    """Fit the slope of log time over log size by least squares."""
    sizes = [math.log(scale.modules) for scale in scales]
    times = [math.log(scale.cold_s) for scale in scales]
    middle_size, middle_time = sum(sizes) / len(sizes), sum(times) / len(times)
    above = sum((s - middle_size) * (t - middle_time) for s, t in zip(sizes, times, strict=True))
    return above / sum((s - middle_size) ** 2 for s in sizes)


def _assemble(worktree: Path, target: str, cache: SourceCache) -> Prompt:
    config = ContextConfig()
    unit = _make_unit(target)
    request = ContextRequest(
        worktree=worktree,
        base_commit="HEAD",
        config=config,
        task_targets=(target,),
        task_description=unit.description,
        targets=(target,),
        description=unit.description,
        context_files=(),
    )
    materials, coverage = gather(request, cache)
    return build_prompt(build_unit_sections(WRITER, unit, materials, None), config, coverage)


def _make_unit(target: str) -> WorkUnit:
    task = TaskDefinition(task_id="measure", description="Measure.", target_files=(target,))
    work = ForgeTaskInput(
        task=task, repo_root="", base_commit="", model="scripted:x", planner_model="scripted:x"
    )
    return build_task_unit(work, "forge-measure")


def _make_package_repository(repo: Path) -> Path:
    source = Path(sqlalchemy.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(source, repo / "sqlalchemy", ignore=ignored)
    return _commit(repo)


def _generate(repo: Path, modules: int) -> Path:
    for number in range(modules):
        path = repo / "generated" / f"part_{number // 50}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_module_text(number, modules))
    return _commit(repo)


def _module_text(number: int, modules: int) -> str:
    """Write a module of about a hundred lines that imports eight others."""
    others = [(number * 7 + step * step * 31) % modules for step in range(1, 9)]
    imports = [f"from generated.part_{n // 50} import module_{n}" for n in others]
    functions = [
        f'def act_{n}(value: int, *, name: str = "x") -> dict[str, int]:\n'
        f'    """Act on value {n}."""\n'
        f"    result = {{name: value + {n}}}\n"
        f"    for key, item in result.items():\n"
        f"        result[key] = item * {n} if item else 0\n"
        f"    return result\n"
        for n in range(14)
    ]
    return "\n".join([*imports, "", *functions])


def _commit(repo: Path) -> Path:
    _git(repo, "init", "--quiet")
    _git(repo, "add", ".")
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@localhost")
    _git(repo, *identity, "commit", "--quiet", "-m", "Start")
    return repo


def _git(repo: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)  # noqa: S607 - fixed arguments


def _parse_all(contents: list[bytes]) -> None:
    for content in contents:
        ast.parse(content)


def _parse_paused(contents: list[bytes]) -> None:
    gc.disable()
    try:
        _parse_all(contents)
    finally:
        gc.enable()


def _milliseconds(act: Callable[[], object]) -> float:
    """Measure the processor time that this process and git take together."""
    started = _processor_s()
    act()
    return (_processor_s() - started) * 1000


def _processor_s() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _read_peak_mb() -> float:
    """Read the largest resident size; getrusage has the parent's of before this process began."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts in bytes
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _report_scale(modules: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        repo = _generate(Path(directory, "repo"), modules)
        cache = SourceCache(Path(directory, "cache.db"))
        target = "generated/part_0/module_0.py"
        cold_s = _milliseconds(lambda: _assemble(repo, target, cache)) / 1000
    print(json.dumps({"modules": modules, "cold_s": cold_s, "peak_mb": _read_peak_mb()}))


if __name__ == "__main__":
    if sys.argv[1:]:
        _report_scale(int(sys.argv[1]))
        raise SystemExit
    raise SystemExit(main())
