"""Playing the demonstration."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from forge_core.git.command import Git
from forge_obs import StoreError, get_db_path
from rich.text import Text

from forge_cli.actions.look.status import RunName, show_run
from forge_cli.actions.run.run import run_task
from forge_cli.errors import UnknownWorkflow
from forge_cli.exit_codes import ExitCode
from forge_cli.options.look.status import CallOptions
from forge_cli.options.run.run import (
    BudgetOptions,
    CheckOptions,
    ContextOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    TaskOptions,
)
from forge_cli.program import as_started
from forge_cli.render.calls.facts import name_call
from forge_cli.render.outcome import Ending, render_end, render_head
from forge_cli.store.queries import STORE_OFF, Store
from forge_cli.terminal.console import OutputFormat, print_note, print_text, print_warning

HERE = Path(__file__).parents[2] / "demo"

INTRODUCTION = """\
This is a demonstration: no language model is called. The answers come from a
script, which simulates their time, tokens and cost:
{script}
Temporal, git, the checks and the record are real.
"""

DESCRIPTION = "Keep track of best-before dates, and report what expires and what to buy."


def play_demo() -> ExitCode:
    """Run the bundled task on a fresh copy of the bundled repository, then show the record."""
    directory = Path(tempfile.mkdtemp(prefix="forge-demo-"))
    try:
        return _play(directory / "pantry")
    except BaseException:
        # The run may have begun: `forge resume` needs its repository.
        print_note(f"the demonstration leaves {directory}: remove it unless you resume the run")
        raise


def _play(path: Path) -> ExitCode:
    script = HERE / "answers.json"
    repo = make_repository(path)
    print_text(INTRODUCTION.format(script=script))
    started: list[str] = []
    options = _options(repo, f"scripted:{script}")
    code = run_task(options, on_start=started.append, render=_render_end)
    commands = [
        *_show_record(started[0]),
        ("the work", f"git -C {shlex.quote(str(repo))} log --stat forge/demo"),
        ("clean up", f"rm -rf {shlex.quote(str(path.parent))}"),
    ]
    width = max(len(purpose) for purpose, _ in commands)
    lines = (f"  {purpose:<{width}}  {command}" for purpose, command in commands)
    print_text("\n".join(["", "Next:", *lines]))
    return code


def _render_end(ending: Ending) -> Text:
    """Render how the run ended; what it took and left follows where it is on record."""
    return render_head(ending) if ending.is_recorded else render_end(ending)


def _show_record(workflow_id: str) -> Iterator[tuple[str, str]]:
    """Show what is on record, if anything is; yield what to look at, and by which command.

    The run has succeeded without a record, too.
    """
    store = Store()
    if get_db_path() is None:
        print_warning(f"nothing is on record: {STORE_OFF}")
        return
    print_text("")
    try:
        show_run(store, RunName(workflow_id), CallOptions(), OutputFormat.TEXT, verbose=False)
        repairs = [call for call in store.list_calls(workflow_id) if call.attempt == 2]
    except (UnknownWorkflow, StoreError) as error:
        print_warning(f"nothing is on record: {error}")
        return
    for call in repairs[:1]:
        yield "attempt 2", as_started(f"forge show {name_call(call)} --prompt")


def make_repository(path: Path) -> Path:
    """Make a git repository of the bundled files."""
    shutil.copytree(HERE / "repository", path, ignore=shutil.ignore_patterns("__pycache__"))
    git = Git(path)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "--all")
    git.run(*git.identity(), "commit", "--quiet", "--message=Count what is in the pantry")
    return path


def _options(repo: Path, model: str) -> RunOptions:
    return RunOptions(
        description=DESCRIPTION,
        task=TaskOptions(task_id="demo", repo=repo),
        models=ModelOptions(model=model, plan=True),
        checks=CheckOptions(
            run_tests=True, test_command="python3 -m unittest discover --quiet tests"
        ),
        context=ContextOptions(),
        budget=BudgetOptions(),
        output=OutputOptions(),
    )
