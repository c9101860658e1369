"""Promises about imports and names."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import forge_obs
import forge_obs.store
import pytest

PACKAGE = Path(forge_obs.__file__).parent


def loaded_by(statement: str) -> set[str]:
    """Tell what a fresh interpreter loads, without what the environment starts it with."""
    script = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


def catches_everything(expression: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "Exception" for n in ast.walk(expression))


def test_only_the_recorder_and_the_redactor_catch_everything() -> None:
    for module in PACKAGE.rglob("*.py"):
        broad = [
            node
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            if isinstance(node, ast.ExceptHandler)
            and (node.type is None or catches_everything(node.type))
        ]
        assert not broad or module.name in {
            "recorder.py",
            "bulk.py",
            "delivery.py",
            "redact_hook.py",
            # What is read there is the host's.
            "background.py",
            "process_recorder.py",
            "processor.py",
            "span_recorder.py",
        }


def test_importing_the_package_loads_nothing_slow() -> None:
    slow = {"sqlalchemy", "alembic", "pydantic", "sqlite3", "asyncio", "subprocess"}

    assert not loaded_by("import forge_obs\nfrom forge_obs import record") & slow


def test_a_store_that_is_off_loads_nothing_slow() -> None:
    statement = (
        "import os; os.environ['FORGE_DB_PATH'] = ''\n"
        "from forge_obs import record\n"
        "assert not record('run', task_id='t', workflow_id='w', status='running')"
    )

    assert "sqlalchemy" not in loaded_by(statement)


def test_stats_load_neither_sqlalchemy_nor_alembic() -> None:
    assert not loaded_by("from forge_obs import LLMStats") & {"sqlalchemy", "alembic"}


def test_reading_loads_neither_the_orm_nor_alembic_nor_pydantic() -> None:
    statement = "from forge_obs.store import StoreReader, list_recent_runs"

    assert not loaded_by(statement) & {"sqlalchemy.orm", "alembic", "pydantic"}


def test_public_names_are_pinned_and_importable() -> None:
    assert set(forge_obs.__all__) == {
        "AmbiguousId",
        "ArchivedTexts",
        "Archiving",
        "BUDGET",
        "Backlog",
        "CallHit",
        "CallQuery",
        "CallReader",
        "CallSum",
        "Extent",
        "FIGURES",
        "Fate",
        "FileMode",
        "Grouping",
        "INTERRUPTED",
        "Interaction",
        "LLMStats",
        "Match",
        "Observation",
        "PLACES",
        "PROVIDER",
        "Pruning",
        "RangeSums",
        "RUNNING",
        "Redactor",
        "Removal",
        "Run",
        "RunQuery",
        "Saving",
        "STARTED",
        "StoreCheck",
        "StoreError",
        "StoreNewer",
        "StoreReader",
        "StoreUnavailable",
        "StoreUnreadable",
        "TextSearch",
        "Transfer",
        "Usage",
        "archive",
        "back_up",
        "build_interaction_dict",
        "check_store",
        "count_prunable",
        "estimate_saving",
        "export_runs",
        "flush",
        "get_backlog",
        "get_db_path",
        "get_engine",
        "get_interactions",
        "get_lost_path",
        "get_run",
        "get_shown_status",
        "import_store",
        "iterate_whole_runs",
        "list_recent_runs",
        "lost_count",
        "observe",
        "open_reader",
        "prune",
        "read_usage",
        "record",
        "record_many",
        "restore",
        "save_interaction",
        "save_run",
        "redact_text",
        "set_redact",
        "to_json",
        "unarchive",
        "upgrade",
    }
    for module in (forge_obs, forge_obs.store):
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = forge_obs.no_such_name  # type: ignore[attr-defined]
