"""``forge db archive``, and archiving after a run."""

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from forge_cli.actions.house.archive import archive_after_run
from forge_cli.actions.house.doctor import WORTH_BYTES
from forge_cli.actions.run.worker import _archive_after_runs
from forge_obs import flush
from support.documents import validate
from support.forge import Forge
from support.records import record_call, record_run
from support.store import interaction
from support.waiting import wait_until

OLD = datetime.now(UTC) - timedelta(days=30)


def record_old(calls: int = 2, prompt: str = "question " * 2_000) -> None:
    record_run("forge-a-01", created_at=OLD, finished_at=OLD)
    for number in range(calls):
        text = f"{prompt}{number}"
        assert interaction(workflow_id="forge-a-01", user_prompt=text, created_at=OLD)
    flush()


def count_archived() -> int:
    with closing(sqlite3.connect(os.environ["FORGE_DB_PATH"])) as connection:
        query = "SELECT count(*) FROM interactions WHERE archive_id IS NOT NULL"
        return int(connection.execute(query).fetchone()[0])


def test_old_calls_are_archived_and_read_as_before(forge: Forge) -> None:
    record_old()
    record_run("forge-b-02")
    record_call("forge-b-02")
    commands = (
        ("show", "1"),
        ("status", "forge-a-01", "--full"),
        ("status", "forge-a-01", "--json"),
        ("calls", "question", "--json"),
        ("db", "export", "--jsonl"),
    )
    before = [forge(*command).stdout for command in commands]

    outcome = forge("db", "archive")

    assert outcome.code == 0
    assert outcome.stdout.startswith("archived 2 calls in 1 frame: 36,00")
    assert count_archived() == 2
    assert [forge(*command).stdout for command in commands] == before


def test_nothing_old_enough_names_the_limit_and_the_way_out(forge: Forge) -> None:
    record_run("forge-a-01")
    record_call("forge-a-01", user_prompt="question " * 1000)

    week, day = forge("db", "archive"), forge("db", "archive", "--older-than", "2026-01-31T12:00Z")
    every = forge("db", "archive", "--older-than", "0s")
    rest = forge("db", "archive", "--older-than", "0s")

    assert week.stdout.startswith("nothing is left to archive of what ended before 20")
    assert day.stdout == (
        "nothing is left to archive of what ended before 2026-01-31 12:00:00 UTC; "
        "forge db archive --older-than 0s takes all that has ended\n"
    )
    assert every.stdout.startswith("archived 1 call in 1 frame: ")
    assert rest.stdout == "nothing is left to archive of what has ended\n"


def test_everything_that_has_ended_is_archived_and_put_back(forge: Forge) -> None:
    record_old()

    every = forge("db", "archive", "--older-than", "0s", "--json")
    validate("store_archived", every.document)
    check, checked = forge("db", "check"), forge("db", "check", "--json").document
    validate("store_check", checked)
    back = forge("db", "unarchive")

    assert (every.code, every.document["calls"]) == (0, 2)
    assert every.document["text_bytes"] > 20 * every.document["stored_bytes"]
    names = ("calls", "frames", "text_bytes", "stored_bytes")
    assert checked["archived"] == {name: every.document[name] for name in names}
    assert "\narchived   2 calls in 1 frame: 36,00" in check.stdout
    assert back.stdout.startswith("put the texts of 2 calls back from 1 frame: 36,00")
    assert count_archived() == 0
    assert forge("db", "unarchive").stdout == "nothing is archived\n"


def test_no_database_is_a_usage_error_and_makes_no_file(forge: Forge) -> None:
    assert forge("db", "archive").code == 2
    assert forge("db", "unarchive").code == 2
    assert forge("db", "archive", "--older-than", "soon").code == 2
    assert not os.path.exists(os.environ["FORGE_DB_PATH"])  # noqa: PTH110


def test_doctor_says_what_archiving_would_give_back(forge: Forge) -> None:
    record_old(30, "question " * (WORTH_BYTES // 240))

    before = forge("doctor").stdout
    forge("db", "archive")
    after = forge("doctor").stdout

    assert "bytes fewer if archived" in before
    assert "→ forge db archive" in before
    assert "fewer if archived" not in after


def test_configuration_has_what_is_old_archived_after_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record_old(3, "question " * 200_000)

    archive_after_run()
    assert count_archived() == 0
    monkeypatch.setenv("FORGE_ARCHIVE_AFTER", "soon")
    archive_after_run()
    assert "warning: nothing was archived: FORGE_ARCHIVE_AFTER 'soon'" in capsys.readouterr().err
    monkeypatch.setenv("FORGE_ARCHIVE_AFTER", "7d")
    archive_after_run()

    assert count_archived() == 3


async def test_worker_archives_after_a_run_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_ARCHIVE_AFTER", "7d")
    record_old(3, "question " * 200_000)
    ends = asyncio.Queue[None]()
    archiving = asyncio.create_task(_archive_after_runs(ends.get, pause_s=0))

    await asyncio.sleep(0)
    before = count_archived()
    ends.put_nowait(None)
    await asyncio.to_thread(wait_until, lambda: count_archived() == 3, "the archiving")
    archiving.cancel()

    assert before == 0
