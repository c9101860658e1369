"""A redaction hook sees every text before it is stored anywhere; a failing one stores none."""

import logging
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from forge_obs import (
    StoreError,
    flush,
    get_engine,
    get_interactions,
    get_run,
    open_reader,
    record,
    redact_text,
    save_interaction,
    save_run,
    set_redact,
    upgrade,
)
from forge_obs.spool.file import get_spool_path
from support.store import locked

pytestmark = pytest.mark.usefixtures("impatient")

SECRET = "sk-ant-secret"

untyped: Any = record


@pytest.fixture(autouse=True)
def no_hook_afterwards() -> Iterator[None]:
    yield
    set_redact(None)


@pytest.fixture
def db(private_environment: Path) -> Path:
    path = private_environment / "forge.db"
    upgrade(path)
    return path


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with hooks, as an operator would."""
    package = tmp_path / "lib" / "acme_hooks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "redaction.py").write_text(
        "LIMIT = 3\n"
        f"def hide(text): return text.replace({SECRET!r}, '***')\n"
        "def fail(text): raise ValueError(text)\n"
        "def leave(text): raise SystemExit(text)\n"
        "def forget(text): return None\n"
    )
    (package / "broken.py").write_text("raise SystemExit('no')\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")


def interaction(**fields: object) -> bool:
    call = {"task_id": "t", "role": "llm", "system_prompt": SECRET, "user_prompt": f"u {SECRET}"}
    secrets = {"response": SECRET, "explanation": SECRET, "error": SECRET, "params": {"k": SECRET}}
    return bool(untyped("interaction", **{**call, **secrets, "odd": [SECRET], **fields}))


def everything(db: Path) -> bytes:
    """Read all that stands in and beside the database."""
    return b"".join(file.read_bytes() for file in db.parent.glob("forge.db*"))


def test_function_sees_every_text_of_a_call_and_of_a_run(db: Path) -> None:
    set_redact(lambda text: text.replace(SECRET, "***"))

    assert interaction()
    assert record("run", task_id="t", workflow_id="w", status="success", result={"error": SECRET})

    assert SECRET.encode() not in everything(db)
    engine = open_reader(db)
    assert engine is not None
    [row] = get_interactions(engine)
    assert (row.user_prompt, row.error, row.params_json) == ("u ***", "***", '{"k":"***"}')
    assert row.extra_json == '{"odd":["***"]}'
    run = get_run(engine, "w")
    assert run is not None
    assert run.result_json == '{"error":"***"}'


def test_save_functions_pass_texts_through_the_hook(db: Path) -> None:
    set_redact(lambda text: text.replace(SECRET, "***"))
    engine = get_engine(db)

    save_interaction(engine, task_id="t", role="llm", user_prompt=SECRET, extra_json=f'"{SECRET}"')
    save_run(engine, {"task_id": "t", "status": "success", "error": SECRET}, "w")

    assert SECRET.encode() not in everything(db)


def test_spooled_entries_are_redacted_before_they_are_spooled(db: Path) -> None:
    set_redact(lambda text: text.replace(SECRET, "***"))

    with locked(db):
        assert not interaction()

        assert b"***" in get_spool_path(db).read_bytes()
        assert SECRET.encode() not in everything(db)


@pytest.mark.usefixtures("hooks")
def test_hook_is_named_by_the_environment(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "acme_hooks.redaction:hide")

    assert interaction()

    assert b"***" in everything(db)
    assert SECRET.encode() not in everything(db)


@pytest.mark.usefixtures("hooks")
def test_function_goes_before_the_environment(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_REDACT", "acme_hooks.redaction:fail")
    set_redact(lambda _: "mine")

    assert interaction()

    assert b"mine" in everything(db)


@pytest.mark.usefixtures("hooks")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("acme_hooks.redaction:fail", "raised ValueError"),
        ("acme_hooks.redaction:leave", "raised SystemExit"),
        ("acme_hooks.redaction:forget", "returned NoneType"),
        ("acme_hooks.redaction:LIMIT", "is no function"),
        ("acme_hooks.redaction:absent", "AttributeError"),
        ("acme_hooks.redaction", "AttributeError"),
        ("acme_hooks.absent:hide", "ModuleNotFoundError"),
        ("acme_hooks.broken:hide", "SystemExit"),
        (":", "ValueError"),
        ("..x:y", "TypeError"),
    ],
)
def test_failing_hook_costs_the_text_and_not_the_row(
    db: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    reason: str,
) -> None:
    monkeypatch.setenv("FORGE_REDACT", name)

    with caplog.at_level(logging.DEBUG):
        assert interaction(workflow_id="w")
        assert interaction(workflow_id="w")
    with locked(db):
        assert not interaction(workflow_id="w")
        assert SECRET.encode() not in everything(db)

    engine = open_reader(db)
    assert engine is not None
    first = get_interactions(engine, workflow_id="w")[0]
    assert (first.task_id, first.role, first.user_prompt, first.response) == ("t", "llm", "", None)
    assert "user_prompt: dropped, redaction failed" in (first.notes or "")
    assert SECRET not in caplog.text
    warnings = [line for line in caplog.messages if "texts were dropped" in line]
    assert len(warnings) == 1
    assert reason in warnings[0]


def test_keyword_that_is_no_name_is_not_logged(db: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert interaction(**{f"tell me about {SECRET}": 1, "x" * 500: 2})

    assert db.exists()
    assert "does not know" in caplog.text
    assert SECRET not in caplog.text
    assert "xxx" not in caplog.text


@pytest.mark.usefixtures("hooks")
def test_hook_of_the_environment_is_imported_with_the_first_entry_only(tmp_path: Path) -> None:
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "os.environ['FORGE_REDACT'] = 'acme_hooks.redaction:hide'\n"
        "import forge_obs\n"
        "assert 'acme_hooks' not in sys.modules\n"
        "os.environ['FORGE_DB_PATH'] = ''\n"
        "forge_obs.record('run', task_id='t', workflow_id='w', status='running')\n"
        "assert 'acme_hooks' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", script, tmp_path / "lib"], check=True, timeout=60)


@pytest.mark.parametrize("fault", ["locked", "refused", "not a database", "newer column"])
def test_no_error_of_the_store_holds_a_text(
    db: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("forge_obs.store.save.BUSY_S", 0.05)
    columns = {"task_id": "t", "role": "llm", "user_prompt": SECRET, "error": SECRET}
    engine = get_engine(db)
    with ExitStack() as stack:
        if fault == "locked":
            stack.enter_context(locked(db))
        elif fault == "refused":
            execute(
                db,
                "CREATE TRIGGER no BEFORE INSERT ON interactions"
                " BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
        elif fault == "newer column":
            columns["colour"] = SECRET
        else:
            flush()
            db.write_bytes(b"no database " * 1000)
        with pytest.raises((StoreError, TypeError)) as caught:
            save_interaction(engine, **columns)

    assert SECRET not in "".join(traceback.format_exception(caught.value))


def execute(db: Path, statement: str) -> None:
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("hook", "shown"),
    [
        (None, f"key: {SECRET}"),
        ("hide", "key: ***"),
        ("fail", None),
        ("missing", None),
    ],
)
@pytest.mark.usefixtures("hooks")
def test_text_for_somewhere_else_passes_the_same_hook(
    hook: str | None, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hook is not None:
        monkeypatch.setenv("FORGE_REDACT", f"acme_hooks.redaction:{hook}")

    assert redact_text(f"key: {SECRET}") == shown
