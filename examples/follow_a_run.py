"""Run a task from a program of your own and print what happens: `python follow_a_run.py`.

The repository is made for it and removed at the end, and no model is called: a script answers. With
a `provider:name` as `MODEL` and your own repository the rest stays as it is.
"""

import asyncio
import json
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from forge_core.errors import ForgeError
from forge_core.runs import (
    RunFinished,
    RunProgress,
    RunSettings,
    RunStarted,
    TaskDefinition,
    resolve_run,
    start_run,
)

ANSWER = {
    "files": [{"file_path": "hello.py", "content": 'print("hello")\n'}],
    "explanation": "It says hello.",
}


async def run_task(repo: Path, model: str) -> str:
    """Run one task and give its status."""
    task = TaskDefinition(task_id="hello", description="Write a program that says hello.")
    work = resolve_run(task, repo, RunSettings(model=model, planner_model=model))
    status = "unknown"
    async with aclosing(start_run(work)) as events:
        async for event in events:
            match event:
                case RunStarted():
                    print(f"started {event.work.task.task_id} as {event.workflow_id}")
                case RunProgress():
                    print("waits for", ", ".join(each.name for each in event.pending) or "nothing")
                case RunFinished():
                    status = event.result.status
                    print(f"{status}: {', '.join(event.result.output_files)}")
                case _:
                    print(event)
    return status


def make_repository(path: Path) -> Path:
    """Make a git repository with one commit."""
    identity = ("-c", "user.name=Example", "-c", "user.email=example@example.org")
    subprocess.run(["git", "init", "--quiet", str(path)], check=True)
    subprocess.run(
        ["git", *identity, "commit", "--quiet", "--allow-empty", "--message=Start"],
        cwd=path,
        check=True,
    )
    return path


def main() -> int:
    """Run the task on a repository that is made for it."""
    with TemporaryDirectory() as directory:
        script = Path(directory, "script.json")
        script.write_text(json.dumps({"answers": [{"answer": ANSWER}]}))
        repo = make_repository(Path(directory, "repo"))
        try:
            status = asyncio.run(run_task(repo, f"scripted:{script}"))
        except ForgeError as error:
            print(f"the run could not be carried out: {error}", file=sys.stderr)
            return 3
    return 0 if status == "success" else 1


if __name__ == "__main__":
    sys.exit(main())
