"""A host program that listens to what SQLAlchemy tells of, on every class that has events."""

import sqlite3
from contextlib import closing
from pathlib import Path

from support.host_program import CALL, run_host

LISTEN = """
import sqlalchemy, sqlalchemy.orm
from sqlalchemy import event
from sqlalchemy.event.base import Events, _registrars

heard = []

def listener(name):
    def hear(*_, **__):
        heard.append(name)
        raise RuntimeError(name)
    return hear

def classes_of(root):
    yield root
    for below in root.__subclasses__():
        yield from classes_of(below)

def listen():
    # Every class that has events, with its subclasses, and every event that it takes; but for
    # parts of a schema, where a listener that raises would keep the host from having tables, too.
    roots = {e._dispatch_target for e in set().union(*_registrars.values())} - {None}
    targets = {c for root in roots for c in classes_of(root)
               if not c.__module__.startswith("forge_obs")
               and not issubclass(c, sqlalchemy.sql.base.SchemaEventTarget)}
    count = 0
    for target in sorted(targets, key=lambda c: (c.__module__, c.__qualname__)):
        for name in sorted(_registrars):
            if name.startswith("_"):
                continue
            try:
                event.listen(target, name, listener(f"{target.__name__}.{name}"))
            except Exception:
                continue
            count += 1
    return count
"""

USE = f"""
import datetime, sys
from forge_obs import *
from forge_obs.store import Interaction
from forge_obs import record

path = sys.argv[1]
acts = {{
    "record": lambda: record("interaction", **{CALL}),
    "record a run": lambda: record("run", task_id="t", workflow_id="w", status="success"),
    "upgrade": lambda: upgrade(path),
    "read": lambda: len(StoreReader.open(path).get_interactions()) == 1,
    "read mapped": lambda: len(get_interactions(open_reader(path))) == 1,
    "read runs mapped": lambda: len(list_recent_runs(get_engine(path))) == 1,
    "make a row": lambda: Interaction(task_id="t").task_id == "t",
    "save": lambda: save_run(get_engine(path), {{"task_id": "t", "status": "success"}}, "w2"),
    "check": lambda: check_store(path).error is None,
    "back up": lambda: back_up(path, path + "-copy") > 0,
    "restore": lambda: restore(path, path + "-copy"),
    "prune": lambda: prune(path, datetime.datetime.now(datetime.UTC)).deleted.runs == 2,
    "flush": flush,
}}

def use():
    for name, act in acts.items():
        heard.clear()
        found = act()
        print(name, "failed" if found is False else "ok", *sorted(set(heard)), sep="|")
"""


def list_heard(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if not line.endswith("|ok")]


def test_no_listener_of_the_host_hears_of_records_and_reads(private_environment: Path) -> None:
    printed = run_host(
        LISTEN + USE + "print(listen() > 300, 'ok', sep='|')\nuse()\n",
        private_environment / "forge.db",
    )

    assert list_heard(printed) == []
    assert printed.startswith("True|ok")


def test_no_listener_that_comes_later_hears_of_them_either(private_environment: Path) -> None:
    printed = run_host(
        LISTEN + USE + "record('interaction', **" + CALL + ")\n"
        "reader = StoreReader.open(path)\nget_engine(path)\nopen_reader(path)\nflush()\n"
        "import os\nos.remove(path)\n"
        "assert listen() > 300\nuse()\n",
        private_environment / "forge.db",
    )

    assert list_heard(printed) == []


TABLES = """
import datetime, sys
from sqlalchemy import Column, Integer, MetaData, Table, event
from sqlalchemy.sql.base import SchemaEventTarget
from forge_obs import StoreReader, check_store, flush, prune, record, upgrade

heard = []

def classes_of(root):
    yield root
    for below in root.__subclasses__():
        yield from classes_of(below)

for part in set(classes_of(SchemaEventTarget)):
    try:
        event.listen(part, "after_parent_attach", lambda part, _: heard.append(part))
    except Exception:
        continue
Table("own", MetaData(), Column("id", Integer))
assert heard
heard.clear()
path = sys.argv[1]
assert record("interaction", **%s, session_id="s")
assert record("run", task_id="t", workflow_id="w", status="success")
assert len(StoreReader.open(path).get_interactions()) == 1
assert check_store(path).error is None
assert prune(path, datetime.datetime.now(datetime.UTC)).deleted.runs == 1
flush()
print(*{str(getattr(part, "name", None)) for part in heard})
"""


def test_listener_on_tables_hears_of_no_table_of_the_store(private_environment: Path) -> None:
    printed = run_host(TABLES % CALL, private_environment / "forge.db")

    assert {"interactions", "runs", "call_facts", "entry_id"}.isdisjoint(printed.split())


RECIPES = """
from sqlalchemy import Column, Engine, Table, Text, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql import Insert

@event.listens_for(Engine, "connect")
def set_pragmas(connection, _record):
    connection.execute("PRAGMA journal_mode=DELETE")

@event.listens_for(Engine, "connect")
def set_time_zone(connection, _record):
    connection.execute("SET TIME ZONE 'UTC'")

@event.listens_for(Engine, "before_cursor_execute", retval=True)
def comment(_connection, _cursor, statement, parameters, _context, _many):
    return f"/* app */ {statement}", parameters

@event.listens_for(Engine, "do_connect")
def add_token(_dialect, _record, _args, options):
    options["password"] = "secret"

@event.listens_for(Table, "after_parent_attach")
def audit(table, _metadata):
    table.append_column(Column("changed_by", Text))

@compiles(Insert)
def ignore(insert, compiler, **options):
    return compiler.visit_insert(insert.prefix_with("OR IGNORE"), **options)

@compiles(CreateTable)
def make_strict(create, compiler, **options):
    return compiler.visit_create_table(create, **options) + " STRICT"
"""


def test_recipes_of_sqlalchemys_users_change_nothing(private_environment: Path) -> None:
    store = private_environment / "forge.db"
    run_host(
        RECIPES
        + f"""
import sys
from forge_obs import record, get_engine, get_interactions, StoreReader
call = dict({CALL}, entry_id="one")
assert record("interaction", **dict(call, status="started", response=None))
assert record("interaction", **call)
[row] = StoreReader.open(sys.argv[1]).get_interactions()
assert (row.status, row.response) == ("ok", "r"), row
[mapped] = get_interactions(get_engine(sys.argv[1]))
assert mapped.entry_id == "one"
from forge_obs.store import Interaction
from sqlalchemy import select
from sqlalchemy.orm import Session
with Session(get_engine(sys.argv[1])) as session:
    assert session.scalars(select(Interaction)).one().response == "r"
""",
        store,
    )

    with closing(sqlite3.connect(store)) as connection:
        [(made,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'interactions'")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert "STRICT" not in made
    assert "changed_by" not in made
