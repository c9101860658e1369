"""Whatever goes wrong ends with the right exit code, one clear line, and a record."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from forge_obs import Interaction, get_interactions, get_run, open_reader, record
from support.forge import Outcome, run_forge
from support.llm_server import Handler, LLMServer, error, in_order, raw, tool
from support.script import answer, write_script

pytestmark = pytest.mark.usefixtures("shared_server")


def run_task(repo: Path, model: str, *options: str) -> Outcome:
    return run_forge(
        "run", "Say hello.", "--task-id", "hello", "--repo", str(repo), "--model", model, *options
    )


def run_on_wire(repo: Path, handler: Handler, *options: str) -> Outcome:
    with LLMServer(handler) as server, environment(server.environment):
        return run_task(repo, "openai-chat:writer-1", *options)


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def read_record() -> tuple[str, list[Interaction]]:
    """Return the only run's status and its calls."""
    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    calls = get_interactions(engine, task_id="hello")
    workflow_id = calls[0].workflow_id
    assert workflow_id is not None
    run = get_run(engine, workflow_id)
    assert run is not None
    return run.status, calls


def test_refused_key_fails_at_once_and_is_on_record(repo: Path) -> None:
    handler = in_order(error(401, "authentication_error", "invalid key"))

    outcome = run_on_wire(repo, handler)

    status, calls = read_record()
    assert outcome.code == 1
    assert "HTTP 401" in outcome.stdout
    assert (status, len(calls)) == ("failure_terminal", 1)
    assert (calls[0].status, calls[0].error_type) == ("error", "authentication")


@pytest.mark.parametrize(
    ("first", "error_type"),
    [
        pytest.param(
            error(429, "rate_limit_error", "slow down", {"retry-after": "1"}),
            "rate_limited",
            id="429",
        ),
        pytest.param(error(500, "api_error", "boom"), "server_error", id="500"),
        pytest.param(raw(b'{"id": "x", "cho'), "malformed_response", id="malformed body"),
    ],
)
def test_passing_failure_is_tried_again_and_both_requests_are_on_record(
    repo: Path, first: Any, error_type: str
) -> None:
    outcome = run_on_wire(repo, in_order(first, tool(answer())))

    status, calls = read_record()
    assert outcome.code == 0
    assert status == "success"
    assert [(c.status, c.error_type, c.activity_attempt) for c in calls] == [
        ("error", error_type, 1),
        ("ok", None, 2),
    ]
    waited = calls[1].created_at - calls[0].created_at
    assert waited.total_seconds() >= 1


def test_provider_that_keeps_failing_is_given_up_after_five_requests(repo: Path) -> None:
    busy = error(429, "rate_limit_error", "slow down", {"retry-after": "1"})

    outcome = run_on_wire(repo, in_order(*[busy] * 5))

    status, calls = read_record()
    assert outcome.code == 1
    assert "HTTP 429" in outcome.stdout
    assert status == "failure_terminal"
    assert [call.activity_attempt for call in calls] == [1, 2, 3, 4, 5]


def test_truncated_answer_is_final_and_its_tokens_are_on_record(repo: Path) -> None:
    outcome = run_on_wire(repo, in_order(tool(answer(), finish="length")))

    status, calls = read_record()
    assert outcome.code == 1
    assert "cut off" in outcome.stdout
    assert (status, len(calls)) == ("failure_terminal", 1)
    assert (calls[0].error_type, calls[0].output_tokens) == ("truncated", 20)
    assert calls[0].response


def test_answer_that_is_no_json_is_asked_for_again_with_the_reason(repo: Path) -> None:
    with LLMServer(in_order(tool("{not json"), tool(answer()))) as server:
        with environment(server.environment):
            outcome = run_task(repo, "openai-chat:writer-1")

        status, calls = read_record()
        assert outcome.code == 0
        assert (status, [c.seq for c in calls]) == ("success", [0, 1])
        assert (calls[0].error_type, calls[0].response) == ("invalid_output", "{not json")
        assert "was not accepted" in calls[1].user_prompt
        assert calls[1].user_prompt == server.exchanges[1].prompts.user


HOSTILE = (
    ("../outside.py", "/tmp/outside.py", ".git/hooks/pre-commit"),  # noqa: S108
    ("sub/.GIT/config", "link/x.py", "link/y.py"),
)
"""Paths of the answers to the requests of each attempt."""


def test_path_outside_the_worktree_is_refused_and_nothing_is_written(
    repo: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    subprocess.run(
        "ln -s ../outside link && git add link && "
        "git -c user.name=a -c user.email=a@b commit -qm link",
        shell=True,
        cwd=repo,
        check=True,
    )
    model = write_script(
        tmp_path / "s.json",
        *(
            {"attempt": attempt, "sample": sample, "answer": answer(path, "x = 1\n")}
            for attempt, paths in enumerate(HOSTILE, start=1)
            for sample, path in enumerate(paths)
        ),
    )

    outcome = run_task(repo, model, "--max-attempts", "2")

    status, calls = read_record()
    assert outcome.code == 1
    assert "is refused" in outcome.stdout
    assert status == "failure_terminal"
    told = zip((path for paths in HOSTILE for path in paths), calls, strict=True)
    assert all(repr(path) in (call.error or "") for path, call in told)
    assert list(outside.iterdir()) == []
    assert not (repo / ".git/hooks/pre-commit").exists()
    assert not (repo.parent / "outside.py").exists()


STEP = {"step_id": "a", "description": "x"}
PART = {"description": "x", "target_files": ["same.py"]}


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        pytest.param([], "a list of at least one object", id="empty plan"),
        pytest.param([STEP, STEP], "'a' appears more than once", id="step id twice"),
        pytest.param(
            [{**STEP, "sub_tasks": [{"sub_task_id": n, **PART} for n in "pq"]}],
            "'same.py' appears more than once",
            id="two sub-tasks with one file",
        ),
    ],
)
def test_invalid_plan_is_asked_for_again_and_then_fails(
    repo: Path, tmp_path: Path, steps: list[Any], reason: str
) -> None:
    model = write_script(tmp_path / "s.json", {"role": "planner", "answer": {"steps": steps}})

    outcome = run_task(repo, model, "--plan")

    status, calls = read_record()
    assert outcome.code == 1
    assert reason in outcome.stdout
    assert status == "failure_terminal"
    assert [(c.role, c.seq, c.error_type) for c in calls] == [
        ("planner", seq, "invalid_output") for seq in range(3)
    ]


def test_answer_without_files_fails_and_says_so(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": {"files": []}})

    outcome = run_task(repo, model)

    _, calls = read_record()
    assert outcome.code == 1
    assert "the answer holds no files" in outcome.stdout
    assert [call.attempt for call in calls] == [1, 2]
    assert "## Previous attempt" in calls[1].user_prompt


def test_single_step_task_commits_its_failing_attempt(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer(content="x = undefined\n")})

    outcome = run_task(repo, model, "--json")

    result = outcome.document["result"]
    assert (outcome.code, outcome.document["status"]) == (1, "failure_terminal")
    assert result["attempts"][-1]["commit_sha"]
    assert list(result["output_files"]) == ["hello.py"]


def test_taken_task_id_is_refused_before_anything_starts(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    assert run_task(repo, model).code == 0

    again = run_task(repo, model)

    assert again.code == 2
    assert "task id 'hello' is taken" in again.error


def test_file_in_place_of_the_worktrees_is_refused_before_anything_starts(
    repo: Path, tmp_path: Path
) -> None:
    obstacle = repo / ".forge-worktrees"
    obstacle.write_text("mine\n")

    outcome = run_task(repo, write_script(tmp_path / "s.json", {"answer": answer()}))

    assert outcome.code == 2
    assert (
        f"{obstacle} is not a directory, but worktrees belong there: move it away" in outcome.error
    )
    assert obstacle.read_text() == "mine\n"


def test_existing_branch_is_not_touched(repo: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "branch", "forge/hello"], cwd=repo, check=True)
    model = write_script(tmp_path / "s.json", {"answer": answer()})

    outcome = run_task(repo, model)

    assert outcome.code == 2
    assert "forge/hello" in outcome.error


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(("--base-branch", "nowhere"), "nowhere", id="unknown base branch"),
        pytest.param(("--task-id", "../x"), "id '../x'", id="bad task id"),
        pytest.param(("--target-file", "../x"), "refused", id="target outside"),
        pytest.param(("--context-file", "none.md"), "none.md", id="missing context file"),
        pytest.param(("--test-command", "true"), "--run-tests", id="tests not asked for"),
        pytest.param(("--token-budget", "10"), "token_budget", id="budget below the reserve"),
        pytest.param(("--run-tests",), "--test-command", id="tests without a command"),
        pytest.param(("--max-attempts", "0"), "max-attempts", id="no attempt"),
        pytest.param(("--model", "nobody:x"), "nobody:x", id="unknown provider"),
        pytest.param(("--model", "anthropic:x"), "ANTHROPIC_API_KEY", id="no key"),
        pytest.param(("--model", "scripted:none.json"), "none.json", id="no script"),
        pytest.param(("--unknown",), "--unknown", id="unknown option"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    repo: Path, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    given = dict(zip(("--task-id", "--model"), ("hello", model), strict=True))
    arguments = [word for pair in given.items() if pair[0] not in options for word in pair]

    outcome = run_forge("run", "Say hello.", "--repo", str(repo), *arguments, *options)

    assert outcome.code == 2
    assert reason in outcome.error
    assert outcome.stdout == ""
    assert not (repo / ".forge-worktrees").exists()


def test_directory_without_a_repository_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()

    outcome = run_task(tmp_path / "plain", write_script(tmp_path / "s.json", {"answer": answer()}))

    assert outcome.code == 2
    assert "not in a git repository" in outcome.error


def test_no_model_is_exit_2_and_names_the_ways_out(repo: Path) -> None:
    outcome = run_forge("run", "Say hello.", "--repo", str(repo), "--json")

    assert outcome.code == 2
    assert outcome.document["error"]["type"] == "ModelNotConfigured"
    assert all(way in outcome.error for way in ("--model", "FORGE_MODEL", "forge demo"))


@pytest.mark.parametrize(
    ("database", "note"),
    [
        pytest.param("/proc/no/forge.db", "without a record", id="unwritable"),
        pytest.param(f"/tmp/{'x' * 300}", "without a record", id="name too long"),  # noqa: S108
        pytest.param("", "the store is off", id="off"),
    ],
)
def test_run_succeeds_without_a_store(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, note: str
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", database)
    model = write_script(tmp_path / "s.json", {"answer": answer()})

    outcome = run_task(repo, model, "--verbose")

    assert outcome.code == 0
    assert any(": success in" in line for line in outcome.stdout.splitlines())
    assert "forge status" not in outcome.stdout
    assert note in outcome.stderr


def test_named_file_that_git_ignores_is_warned_of_where_it_exists(
    repo: Path, tmp_path: Path
) -> None:
    (repo / ".git" / "info" / "exclude").write_text("/own.py\n/new.py\n")
    (repo / "own.py").write_text("SECRET = 1\n")
    files = {"own.py": "A = 1\n", "new.py": "B = 1\n"}
    written = [{"file_path": path, "content": content} for path, content in files.items()]
    model = write_script(tmp_path / "s.json", {"answer": {"files": written}})

    outcome = run_task(repo, model, "--target-file", "own.py", "--target-file", "new.py")

    assert outcome.code == 0
    assert "git ignores own.py: the run does not see it, and a merge overwrites" in outcome.stderr
    assert (repo / "own.py").read_text() == "SECRET = 1\n"


def test_demo_succeeds_without_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "/proc/no/forge.db")

    outcome = run_forge("demo")

    assert outcome.code == 0
    assert "nothing is on record" in outcome.stderr
    assert "rm -rf " in outcome.stdout.splitlines()[-1]


def test_demo_that_cannot_start_names_what_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "")
    monkeypatch.setenv("XDG_STATE_HOME", "/proc")
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    outcome = run_forge("demo")

    [left] = tmp_path.glob("forge-demo-*")
    assert outcome.code == 3
    assert f"the demonstration leaves {left}: remove it" in outcome.stderr


def test_task_too_large_to_submit_is_exit_2(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    task = {"task_id": "hello", "description": "x" * 49_000_000}
    (tmp_path / "task.json").write_text(json.dumps(task))

    outcome = run_forge(
        "run", "--task-file", str(tmp_path / "task.json"), "--repo", str(repo), "--model", model
    )

    assert outcome.code == 2
    assert "the task takes" in outcome.error


def test_json_stays_one_document_whatever_the_core_logs(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})
    task = {"task_id": "hello", "description": "x" * 600_000, "context": {"token_budget": 300_000}}
    (tmp_path / "task.json").write_text(json.dumps(task))

    outcome = run_forge(
        "run", "--task-file", str(tmp_path / "task.json"), "--repo", str(repo), "--model", model,
        "--json",
    )  # fmt: skip

    assert (outcome.code, outcome.document["status"]) == (0, "success")


def test_missing_git_is_exit_3(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    outcome = run_task(repo, write_script(tmp_path / "s.json", {"answer": answer()}))

    assert outcome.code == 3
    assert "git is not installed" in outcome.error


def test_unreachable_server_is_exit_3(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"answer": answer()})

    outcome = run_task(repo, model, "--temporal-address", "127.0.0.1:1")

    assert outcome.code == 3
    assert "127.0.0.1:1" in outcome.error


def test_unknown_workflow_names_similar_ids_and_is_exit_1() -> None:
    record("run", task_id="t", workflow_id="forge-t-0123abcd", status="success")

    outcome = run_forge("status", "--workflow-id", "forge-t-0123abce", "--json")

    assert outcome.code == 1
    assert "did you mean forge-t-0123abcd?" in outcome.error
    assert outcome.document["error"]["type"] == "UnknownWorkflow"


@pytest.mark.parametrize(
    "command", [("status",), ("db", "check"), ("status", "--workflow-id", "x")]
)
def test_newer_store_is_left_alone_and_is_exit_3(command: tuple[str, ...]) -> None:
    record("run", task_id="t", workflow_id="w", status="success")
    database = os.environ["FORGE_DB_PATH"]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '999_future'")
        connection.commit()

    outcome = run_forge(*command)

    assert outcome.code == 3
    assert "999_future" in outcome.stderr + outcome.stdout


def test_no_database_is_no_error_and_is_not_made() -> None:
    listing, document = run_forge("status"), run_forge("status", "--json")

    assert listing.code == 0
    assert listing.stdout.startswith("no runs recorded yet; ")
    assert document.document == {"schema_version": 1, "runs": [], "pending": 0, "lost": 0}
    assert not Path(os.environ["FORGE_DB_PATH"]).exists()


def test_result_in_the_store_is_valid_json_for_a_failed_run(repo: Path, tmp_path: Path) -> None:
    model = write_script(tmp_path / "s.json", {"role": "planner", "answer": {"steps": []}})

    run_task(repo, model, "--plan")

    engine = open_reader(os.environ["FORGE_DB_PATH"])
    assert engine is not None
    [call, *_] = get_interactions(engine, task_id="hello")
    run = get_run(engine, call.workflow_id or "")
    assert run is not None
    assert json.loads(run.result_json)["status"] == "failure_terminal"
    assert run.finished_at is not None
