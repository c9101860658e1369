"""The log of the `llm` tool: calls that it logs itself, and any number in the same form."""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers.rows import Call, Copies, Pattern, filling, insert_copies

SEARCHED = "turn_search"
"""The table of texts that has an index."""

SYSTEM = "Be brief."
LONG_PROMPT = "A prompt that is longer than the name of its conversation may be. " * 5


class LlmLog:
    """The database of the tool, with a model that answers at once.

    Args:
        path: The database, which is made.
        answer: What the model says.
    """

    def __init__(self, path: Path, answer: str = "done") -> None:
        llm: Any = import_module("llm")
        self._database = import_module("sqlite_utils").Database
        self._path = path

        def execute(*_: object, **_options: object) -> list[str]:
            return [answer]

        members = {"model_id": "scripted", "can_stream": False, "execute": execute}
        self._model = type("Scripted", (llm.Model,), members)()
        import_module("llm.migrations").migrate(self.connect())

    def connect(self) -> Any:  # noqa: ANN401 - of a library that may not be there
        """Open the tool's database."""
        return self._database(self._path)

    def ask(self, prompt: str, system: str = SYSTEM) -> Any:  # noqa: ANN401
        """Make a finished call that is to be logged."""
        answer = self._model.prompt(prompt, system=system)
        answer.text()
        return answer

    def count(self) -> int:
        """Count the calls on record."""
        return int(self.connect()["turns"].count)

    def fill(self, calls: Iterable[Call]) -> None:
        """Log one call, and copy its rows for the others; their index is built at the end.

        That takes a tenth of what the tool's triggers take for each call, and gives an index that
        is as quick as can be.
        """
        self.ask(LONG_PROMPT).log_to_db(self.connect())
        chosen = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
        with filling(self._path) as connection:
            triggers = connection.execute(chosen, (SEARCHED,)).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            insert_copies(connection, _copy_rows(connection, calls))
            for _, statement in triggers:
                connection.execute(statement)
            index = f"{SEARCHED}_fts"
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")  # noqa: S608


def _copy_rows(connection: sqlite3.Connection, calls: Iterable[Call]) -> Copies:
    """Give the rows of each call, as those of the last that was logged refer to each other."""

    def find(table: str, where: str = "") -> int:
        query = f"SELECT max(rowid) FROM {table} {where}"  # noqa: S608
        return int(connection.execute(query).fetchone()[0])

    asked = Pattern("messages", find("messages", "WHERE role = 'user'"), ("hash",))
    told = Pattern(
        "messages", find("messages", "WHERE role = 'assistant'"), ("hash", "parent_hash")
    )
    is_asked = "WHERE message_hash = (SELECT parent_message_hash FROM turns ORDER BY id DESC)"
    question = Pattern("parts", find("parts", is_asked), ("message_hash", "text"))
    answer = Pattern("parts", find("parts"), ("message_hash", "text"))
    thread = Pattern("threads", find("threads"), ("id", "tip_message_hash"))
    names = ("id", "thread_id", "parent_message_hash", "tip_message_hash")
    turn = Pattern("turns", find("turns"), names)
    search = Pattern(SEARCHED, find(SEARCHED), ("turn_id", "prompt", "response"))
    for call in calls:
        first, last = (_hash(f"{role} {call.number}") for role in ("user", "assistant"))
        thread_id, turn_id = (f"7{call.number:024d}{letter}" for letter in "ab")
        yield asked, (first,)
        yield question, (first, call.prompt)
        yield told, (last, first)
        yield answer, (last, call.answer)
        yield thread, (thread_id, last)
        yield turn, (turn_id, thread_id, first, last)
        yield search, (turn_id, call.prompt, call.answer)


def _hash(text: str) -> str:
    return f"b2:{blake2b(text.encode(), digest_size=16).hexdigest()}"
