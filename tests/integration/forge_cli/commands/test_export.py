"""``forge db export`` to stores and tables, ``forge db import``, and ``--db``."""

import csv
import secrets
import sys
from pathlib import Path

import pytest
from pyarrow import parquet
from support.disks import files_up_to
from support.documents import validate
from support.forge import Forge
from support.records import STATS, record_call, record_run

SECRET = "ghp_" + "a1b2c3d4" * 5
CLAUDE = STATS.model_copy(update={"model_name": "claude-sonnet-4-5"})


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part.db"


def record_some() -> None:
    for workflow_id in ("forge-a-01", "forge-b-02"):
        record_run(workflow_id, task_id=workflow_id[6], description=f"with {SECRET}")
        record_call(workflow_id, stats=CLAUDE, user_prompt=f"token {SECRET}, please")


def test_exported_store_is_read_by_every_command(forge: Forge, part: Path) -> None:
    record_some()

    outcome = forge("db", "export", "--run", "a", "--to", str(part))

    assert outcome.stdout == f"{part}: 1 run and 1 call\n"
    assert [
        run["task_id"] for run in forge("status", "--json", "--db", str(part)).document["runs"]
    ] == ["a"]
    assert forge("--db", str(part), "calls", "please", "--count").stdout == "1 call, 1 run\n"
    assert forge("calls", "please", "--count").stdout == "2 calls, 2 runs\n"
    assert forge("db", "check", "--db", str(part)).code == 0


def test_store_is_handed_over_without_secrets(forge: Forge, part: Path) -> None:
    record_some()

    outcome = forge("db", "export", "--run", "@last", "--to", str(part), "--redact")

    assert SECRET.encode() not in part.read_bytes()
    assert "redacted: 1 github-token" in outcome.stderr


def test_imported_store_is_merged_once(forge: Forge, part: Path, tmp_path: Path) -> None:
    record_some()
    forge("db", "export", "--run", "a", "--run", "b", "--to", str(part))
    mine = str(tmp_path / "mine.db")

    first = forge("db", "import", str(part), "--db", mine)
    second = forge("db", "import", str(part), "--db", mine)
    document = forge("db", "import", str(part), "--db", mine, "--json").document

    assert first.stdout == f"merged 2 runs and 2 calls from {part}\n"
    assert forge("calls", "--count", "--db", mine).stdout == "2 calls, 2 runs\n"
    assert second.stdout.endswith(f"2 calls from {part}: all of them were here already\n")
    assert (document["calls"], document["new_calls"]) == (2, 0)
    validate("store_imported", document)


def test_tables_have_all_columns_and_a_cost(forge: Forge, tmp_path: Path) -> None:
    record_some()

    outcome = forge("db", "export", "--csv", str(tmp_path / "tables"))

    with (tmp_path / "tables/calls.csv").open(newline="") as file:
        calls = list(csv.DictReader(file))
    with (tmp_path / "tables/runs.csv").open(newline="") as file:
        runs = list(csv.DictReader(file))
    assert outcome.code == 0
    assert [call["user_prompt"] for call in calls] == [f"token {SECRET}, please"] * 2
    assert [run["cost_usd"] for run in runs] == [call["cost_usd"] for call in calls]
    assert float(runs[0]["cost_usd"]) > 0
    assert (tmp_path / "tables").stat().st_mode & 0o777 == 0o700


def test_parquet_has_typed_columns_and_exact_texts(forge: Forge, tmp_path: Path) -> None:
    text = "=1+1\nsecond line, \x1b[31m \u202e"
    record_some()
    record_call(None, entry_id="x", user_prompt=text, response=None, stats=None)

    outcome = forge("db", "export", "--parquet", str(tmp_path / "tables"))

    calls = parquet.read_table(tmp_path / "tables/calls.parquet")
    assert outcome.code == 0
    assert str(calls.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    assert calls["input_tokens"].to_pylist() == [4120, 4120, 0]
    assert calls["user_prompt"].to_pylist()[2] == text
    assert calls["response"].to_pylist()[2] is None
    runs = parquet.read_table(tmp_path / "tables/runs.parquet")
    costs = [call["cost_usd"] for call in calls.to_pylist()]
    assert runs["cost_usd"].to_pylist() == costs[:2]
    assert costs[2] is None


def test_parquet_in_several_groups_holds_every_row(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    record_call(None)
    monkeypatch.setattr("forge_cli.actions.share.parquet.ROWS_A_GROUP", 2)

    forge("db", "export", "--parquet", str(tmp_path / "tables"))

    file = parquet.ParquetFile(tmp_path / "tables/calls.parquet")
    assert (file.metadata.num_rows, file.num_row_groups) == (3, 2)


def test_parquet_without_its_extra_says_so_and_leaves_nothing(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_some()
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    outcome = forge("db", "export", "--parquet", str(tmp_path / "tables"))

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "install forge-cli[parquet]" in outcome.stderr
    assert not (tmp_path / "tables").exists()


TARGETS = ("export --output", "export --run a --to", "export --csv", "export --parquet", "backup")
"""Commands that make the file or directory that is named next."""


@pytest.mark.parametrize("command", TARGETS)
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file/new", "cannot create file/new: Not a directory: choose another "),
        ("missing/new", "cannot create missing/new: No such file or directory: choose another "),
        ("directory", "directory already exists: choose another "),
        ("/dev/full", "/dev/full already exists: choose another "),
    ],
)
def test_what_cannot_be_made_is_left_alone_and_said_in_a_line(
    forge: Forge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    target: str,
    reason: str,
) -> None:
    record_some()
    work = tmp_path / "work"
    (work / "directory").mkdir(parents=True)
    (work / "file").touch()
    monkeypatch.chdir(work)

    outcome = forge("db", *command.split(), target)

    assert outcome.code == 2
    assert outcome.error.startswith(f"error: {reason}")
    assert sorted(path.name for path in work.rglob("*")) == ["directory", "file"]


@pytest.mark.parametrize("command", TARGETS)
def test_full_disk_leaves_nothing_half_written(forge: Forge, tmp_path: Path, command: str) -> None:
    record_some()
    record_call("forge-a-01", user_prompt=secrets.token_hex(400_000), response=None)
    work = tmp_path / "work"
    work.mkdir()

    with files_up_to(200_000):
        outcome = forge("db", *command.split(), str(work / "new"))

    assert outcome.code == 3
    assert outcome.error.startswith("error: ")
    assert str(work / "new") in outcome.error
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "code", "expected"),
    [
        (["export", "--to", "x.db"], 2, "--to needs --run"),
        (["export", "--csv", "x", "--output", "y"], 2, "mutually exclusive"),
        (["export", "--run", "nobody", "--to", "x.db"], 1, "no run 'nobody' is on record"),
        (["export", "--csv", "."], 2, "already exists"),
        (["export", "--run", "a", "--to", "."], 2, "already exists"),
        (["import", "nowhere.db"], 2, "there is no store at nowhere.db"),
        (["import", "README.md"], 3, "this is no store of Forge's"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said_in_a_line(
    forge: Forge,
    repo: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    code: int,
    expected: str,
) -> None:
    record_some()
    monkeypatch.chdir(repo)

    outcome = forge("db", *args)

    assert outcome.code == code
    assert expected in outcome.error
    assert not (repo / "x.db").exists()
