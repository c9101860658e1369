"""An entry that takes two statements has one deadline."""

import threading
from dataclasses import dataclass, field
from typing import Any

from forge_obs.database.commits.group_commit import Commit
from forge_obs.database.errors import KeyTaken
from forge_obs.database.writer import write
from forge_obs.model.entries import build_interaction


@dataclass
class SlowDatabase:
    """Takes a while for each statement, and has the first one's key already."""

    timeouts: list[float] = field(default_factory=list)

    def commit(self, _row: Commit, *, timeout_s: float) -> None:
        self.timeouts.append(timeout_s)
        threading.Event().wait(0.05)
        if len(self.timeouts) == 1:
            raise KeyTaken


def test_second_statement_waits_only_for_what_the_first_left() -> None:
    call = {"run_id": "r", "activity_id": "1", "activity_attempt": 1, "seq": 0}
    fields = {"task_id": "t", "role": "llm", "system_prompt": "s", "user_prompt": "u", **call}
    entry = build_interaction(fields, entry_id="e" * 32, now="2026-11-24T00:00:00.000000Z")
    database: Any = SlowDatabase()

    write(database, entry, timeout_s=60.0)

    first, second = database.timeouts
    assert second <= first - 0.05 <= 60.0
