"""``forge status`` on stores that ``record()`` filled, mostly as a process of its own."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from forge_core.git.claim import claim_task
from forge_core.git.repository import claim_path
from support.forge import Forge, Outcome, run_forge
from support.records import WORKFLOW_ID, record_call, record_run
from support.repository import make_repository

HOSTILE = "\x1b[2J\x1b]52;c;aGk=\x07 \x9b31m \u202e \u200b a[/b]c :bomb: \ud800 ☃"
SHOWN = "\\x1b[2J\\x1b]52;c;aGk=\\x07 \\x9b31m \\u202e \\u200b a[/b]c :bomb: \\ud800 ☃"


@pytest.fixture
def db_path() -> Path:
    return Path(os.environ["FORGE_DB_PATH"])


def change(db_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(db_path)) as connection, connection:
        connection.execute(statement)


def show(*args: str) -> Outcome:
    return run_forge("status", "--workflow-id", WORKFLOW_ID, *args)


def test_no_database_is_no_error_and_makes_no_file(
    forge: Forge, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = run_forge("status")
    document = forge("status", "--json")

    assert (listing.code, listing.stdout) == (
        0,
        f"no runs recorded yet; there is no database at {db_path}\n",
    )
    assert document.code == 0
    assert document.document == {"schema_version": 1, "runs": [], "pending": 0, "lost": 0}
    assert not db_path.exists()
    monkeypatch.delenv("FORGE_DB_PATH")
    assert (
        forge("status").stdout == "no runs recorded yet; `forge demo` plays one without a model\n"
    )


def test_empty_path_says_that_the_store_is_off(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_DB_PATH", "")

    listing = forge("status")
    document = forge("status", "--json")

    assert (listing.code, listing.stdout) == (0, "the store is off: FORGE_DB_PATH is empty\n")
    assert document.document["runs"] == []
    assert "the store is off" in document.stderr


def test_runs_are_listed_newest_first_up_to_the_limit(forge: Forge) -> None:
    for number in range(3):
        record_run(f"forge-run-{number}-{'x' * 100}")

    outcome = forge("status", "--limit", "2")

    header, *lines = outcome.stdout.splitlines()
    assert header.startswith("RUN ")
    assert [line.split()[0] for line in lines] == [f"forge-run-{n}-{'x' * 100}" for n in (2, 1)]
    assert all(line.endswith("ago") for line in lines)


def test_running_run_is_listed_as_running_while_its_process_lives(forge: Forge) -> None:
    record_run(status="running", finished_at=None)

    assert " running " in forge("status").stdout


def test_run_of_a_dead_process_is_listed_as_interrupted(forge: Forge) -> None:
    script = (
        "from forge_obs import record\n"
        "record('run', task_id='t', workflow_id='forge-t-0a', status='running', result={})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

    [run] = forge("status", "--json").document["runs"]

    assert run["status"] == "interrupted"


def test_interrupted_run_says_which_run_has_its_task_id_by_now(
    forge: Forge, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo", {"a.py": ""})
    script = (
        "import sys; from forge_obs import record\n"
        "record('run', task_id='t', workflow_id='forge-t-0a', status='running', result={},"
        " repo_root=sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", script, repo], check=True)
    claim_task(repo, "t", "forge-t-0a")
    record_run("forge-t-0b", task_id="t", repo_root=str(repo))

    before = forge("status", "--workflow-id", "forge-t-0a")
    claim_path(repo, "t").write_text("forge-t-0b\n")
    after = forge("status", "--workflow-id", "forge-t-0a")
    [_, run] = forge("status", "--json").document["runs"]

    assert "\nresume    forge resume forge-t-0a\n" in before.stdout
    assert "forge resume" not in after.stdout
    assert "run forge-t-0b has its task id now: forge cancel forge-t-0a ends it" in after.stdout
    assert (run["resume"], run["successor"]) == (None, "forge-t-0b")


def test_claim_of_a_task_id_that_is_none_of_forges_is_not_looked_for(
    forge: Forge, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo", {"a.py": ""})
    claim_task(repo, "t", "forge-t-0a")
    (repo / ".git/elsewhere").write_text("forge-t-0c\n")
    for workflow_id, status in (("forge-t-0a", "budget"), ("forge-t-0b", "success")):
        record_run(workflow_id, task_id="../../elsewhere", status=status, repo_root=str(repo))

    runs = forge("status", "--json").document["runs"]

    assert [run["successor"] for run in runs] == [None, None]


def test_repository_that_is_no_path_hides_no_run(forge: Forge) -> None:
    for workflow_id, status in (("forge-t-0a", "budget"), ("forge-t-0b", "success")):
        record_run(workflow_id, task_id="t", status=status, repo_root="/no\0path")

    outcome = forge("status", "--json")

    assert outcome.code == 0, outcome.stderr
    assert len(outcome.document["runs"]) == 2


def test_interrupted_run_is_not_to_be_resumed_without_what_it_needs(
    forge: Forge, tmp_path: Path
) -> None:
    worktree = tmp_path / "repo/.forge-worktrees/t"
    worktree.mkdir(parents=True)
    script = (
        "import sys; from forge_obs import record\n"
        "run = {'task_id': 't', 'workflow_id': 'forge-t-0a'}\n"
        "record('run', **run, status='running', result={}, repo_root=sys.argv[1])\n"
        "record('interaction', **run, role='llm', system_prompt='', user_prompt='')\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "repo"], check=True)

    complete = forge("status", "forge-t-0a").stdout
    worktree.rmdir()
    without_worktree = forge("status", "forge-t-0a").stdout
    shutil.rmtree(tmp_path / "repo")
    without_repository = forge("status", "forge-t-0a").stdout

    assert "forge resume forge-t-0a" in complete
    for text, missing in ((without_worktree, worktree), (without_repository, worktree.parents[1])):
        assert "forge resume" not in text
        assert f"{missing} is not there: forge cancel forge-t-0a ends it" in text


def test_tree_of_a_run_is_shown(forge: Forge) -> None:
    record_run(repo_root="/repo", model_name="openai:writer")
    record_call()

    outcome = forge("status", "--workflow-id", WORKFLOW_ID)

    assert outcome.code == 0
    assert "status    success\nrepo      /repo\nbranch    forge/add-parser\n" in outcome.stdout
    assert "calls     1 (4,120 in, 3,000 of them cached, 45 out)\n" in outcome.stdout
    assert "cost      unknown by genai-prices " in outcome.stdout
    assert re.search(
        r"step a success .*\n│  0123456789ab First\.\n└─ attempt 1 success", outcome.stdout
    )
    assert "Do it." not in outcome.stdout


def test_list_tree_and_documents_give_the_same_sums(forge: Forge) -> None:
    record_run(description="Add a parser.", model_name="openai:writer")
    record_call(role="planner", step_id=None)
    record_call(seq=1)
    record_call(seq=2, stats=None, status="started", response=None)

    [listed] = forge("status", "--json").document["runs"]
    document = forge("status", "--workflow-id", WORKFLOW_ID, "--json").document
    line = forge("status").stdout.splitlines()[1]
    tree = forge("status", "--workflow-id", WORKFLOW_ID).stdout

    # What a run took goes on until it is looked at.
    sums = {name: listed[name] for name in listed.keys() - {"duration_s"}}
    assert sums == {name: document["run"][name] for name in sums}
    assert (sums["calls"], sums["input_tokens"], sums["calls_without_usage"]) == (3, 8240, 1)
    assert "  1/1 " in line
    assert "      3  8.24k+  90+" in line
    assert "steps     1/1 done\n" in tree
    assert "calls     3 (8,240 in, 6,000 of them cached, 90 out, 1 reported none)\n" in tree


def test_verbose_shows_every_call_in_order_and_whole() -> None:
    record_run()
    record_call(role="planner", step_id=None, user_prompt="Plan it.", seq=0)
    record_call(user_prompt="x" * 5_000_000, seq=1)

    text = show("--verbose").stdout

    assert text.index("call 1 of 2: planner") < text.index("call 2 of 2: llm, step a, attempt 1")
    assert "tokens     4,120 in (3,000 from cache), 45 out (12 reasoning)" in text
    assert "x" * 5_000_000 in text
    assert 'response:\n{"files": []}' in text


def test_call_whose_outcome_nobody_knows_is_said_to_be_so(forge: Forge) -> None:
    record_run(status="error")
    record_call(status="started", stats=None, response=None)

    assert "outcome unknown" in forge("status", "--workflow-id", WORKFLOW_ID, "--verbose").stdout


def test_hostile_text_reaches_neither_terminal_nor_json_raw(forge: Forge) -> None:
    record_run(result={"error": HOSTILE})
    record_call(user_prompt=HOSTILE, response=HOSTILE, error=HOSTILE)

    text = show("--verbose").stdout
    raw = forge("status", "--workflow-id", WORKFLOW_ID, "--verbose", "--json").stdout

    # A lone surrogate was made visible when it was stored, so its escape is escaped no more.
    assert text.count(SHOWN) == 4
    assert not {"\x1b", "\x9b", "\x07", "\u202e", "\u200b"} & set(text)
    assert raw.isascii()
    [call] = json.loads(raw)["interactions"]
    assert call["user_prompt"] == HOSTILE.replace("\ud800", "\\ud800")


def test_document_of_a_run_has_the_columns_and_hides_texts_unless_verbose(forge: Forge) -> None:
    record_run()
    record_call(params={"max_tokens": 9})

    brief, verbose = (
        forge("status", "--workflow-id", WORKFLOW_ID, "--json").document,
        forge("status", "--workflow-id", WORKFLOW_ID, "--json", "--verbose").document,
    )

    assert list(brief) == ["schema_version", "run", "result", "interactions", "cost"]
    assert brief["result"]["step_results"][0]["step_id"] == "a"
    assert brief["run"]["workflow_id"] == WORKFLOW_ID
    assert brief["run"]["created_at"].endswith("Z")
    [call] = brief["interactions"]
    assert (call["context_stats"], call["params"]) == ({"files_discovered": 7}, {"max_tokens": 9})
    assert not {"system_prompt", "user_prompt", "response"} & call.keys()
    assert verbose["interactions"][0]["user_prompt"] == "Do it."


def test_unknown_id_ends_with_one_line_that_names_the_near_ones(forge: Forge) -> None:
    record_run()

    outcome = forge("status", "--workflow-id", WORKFLOW_ID[:-1] + "e", "--json")

    assert outcome.code == 1
    assert outcome.error.endswith(f"is on record: did you mean {WORKFLOW_ID}?")
    assert outcome.document["error"]["type"] == "UnknownWorkflow"


def test_call_that_is_taken_for_a_run_names_its_run(forge: Forge) -> None:
    record_run()
    record_call(WORKFLOW_ID, entry_id="0a" * 16)
    record_call(None, entry_id="0b" * 16)

    of_run, of_none = forge("status", "0a0a0a0a"), forge("report", "0b0b0b0b")

    assert (of_run.code, of_none.code) == (1, 1)
    assert of_run.error.endswith(f"it is a call of run {WORKFLOW_ID}")
    assert of_none.error.endswith("it is a call without a run: forge show 0b0b0b0b")


def test_unknown_id_of_odd_bytes_ends_with_one_line() -> None:
    record_run()

    outcome = run_forge("status", "--workflow-id", os.fsdecode(b"\xff\x1b[2J"))

    assert outcome.code == 1
    assert "\x1b" not in outcome.stderr
    assert "is on record" in outcome.error


def test_calls_are_shown_where_their_run_was_lost(forge: Forge) -> None:
    record_call()

    outcome = forge("status", "--workflow-id", WORKFLOW_ID, "--verbose")

    assert outcome.code == 0
    assert "status    unknown" in outcome.stdout
    assert "user prompt:\nDo it." in outcome.stdout


def test_broken_row_hides_no_other(forge: Forge, db_path: Path) -> None:
    record_run("forge-good-0a")
    record_run("forge-bad-0b")
    change(db_path, "UPDATE runs SET created_at = 'never' WHERE workflow_id = 'forge-bad-0b'")

    outcome = forge("status")

    assert outcome.code == 0
    bad, good = outcome.stdout.splitlines()[1:]
    assert bad.split()[:4] == ["forge-bad-0b", "add-parser", "broken", "row"]
    assert good.startswith("forge-good-0a")


def test_verbose_without_a_run_says_what_it_needs(forge: Forge) -> None:
    record_run()

    outcome = forge("status", "--verbose")

    assert outcome.code == 0
    assert "forge status RUN" in outcome.stderr


def make_newer(path: Path) -> None:
    record_run()
    change(path, "UPDATE alembic_version SET version_num = '999_future'")


def make_garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


@pytest.mark.parametrize(
    ("spoil", "says"), [(make_newer, "999_future"), (make_garbage, "database")]
)
def test_store_that_cannot_be_read_is_infrastructure(
    forge: Forge, db_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(db_path)

    outcome = forge("status", "--json")

    assert outcome.code == 3
    assert says in outcome.error
    assert outcome.document["error"]["message"] in outcome.error


def test_older_schema_is_read_with_the_columns_that_it_has(forge: Forge, db_path: Path) -> None:
    record_run()
    change(db_path, "ALTER TABLE runs DROP COLUMN planned")
    change(db_path, "DELETE FROM alembic_version")

    [run] = forge("status", "--json").document["runs"]

    assert (run["workflow_id"], run["planned"]) == (WORKFLOW_ID, None)


@pytest.mark.parametrize(
    "args", [["--limit", "0"], ["--limit", "9" * 30], ["--limt", "3"], ["one", "two"]], ids=str
)
def test_bad_option_is_one_line_and_a_usage_error(forge: Forge, args: list[str]) -> None:
    outcome = forge("status", *args)

    assert outcome.code == 2
    assert outcome.stdout == ""
    assert outcome.stderr == outcome.error + "\n"


def test_reader_that_goes_away_is_no_error() -> None:
    record_run()
    record_call(user_prompt="x" * 2_000_000)
    command = [sys.executable, "-m", "forge_cli", "status", "--verbose"]
    with subprocess.Popen(
        [*command, "--workflow-id", WORKFLOW_ID], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_list_that_ends_at_the_usual_limit_says_so(forge: Forge) -> None:
    for number in range(21):
        record_run(f"forge-t-{number:02}", task_id=f"t{number}")

    usual, chosen = forge("status"), forge("status", "--limit", "20000")

    assert (usual.stderr, chosen.stderr) == ("these are the newest 20: --limit shows more\n", "")
    assert usual.stdout.count("forge-t-") == 20
