"""Record the histories that are replayed in tests: ``hatch run record-histories [NAME]``.

With names, only these scenarios: a change behind `workflow.patched()` needs a history of its own
beside the older ones. Without, all of them, after a change that runs under way do not survive: as
a failing `test_replay.py` says, a worker of the new version cannot resume them.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from support.histories import SCENARIOS, record, save
from support.temporal_server import running_server


def main() -> None:
    """Record scenarios on a server of their own, without the user's store and state."""
    names = sys.argv[1:] or [scenario.name for scenario in SCENARIOS]
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(XDG_STATE_HOME=home, FORGE_DB_PATH="")
        with running_server(Path(home)) as address:
            for scenario in (each for each in SCENARIOS if each.name in names):
                histories = asyncio.run(record(address, scenario))
                save(scenario.name, histories)
                events = sum(len(history.events) for history in histories)
                said = f"{scenario.name}: {len(histories)} workflows, {events} events\n"
                sys.stdout.write(said)


if __name__ == "__main__":
    main()
