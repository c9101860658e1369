"""One embedded server for all end-to-end tests, kept alive by a lease as any command would."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server

START_DEADLINE_S = 90.0
END_DEADLINE_S = 30.0


@pytest.fixture(scope="session")
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a state directory whose server runs for the whole session."""
    home = tmp_path_factory.mktemp("state")
    running, release = threading.Event(), threading.Event()

    async def hold() -> None:
        async with embedded_server(ServerSettings(home / "forge", idle_s=0), "tests"):
            running.set()
            await asyncio.to_thread(release.wait)

    holder = threading.Thread(target=asyncio.run, args=(hold(),), daemon=True)
    holder.start()
    try:
        assert running.wait(START_DEADLINE_S)
        yield home
    finally:
        release.set()
        holder.join(END_DEADLINE_S)


@pytest.fixture
def shared_server(state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands of a test attach to the session's server."""
    monkeypatch.setenv("XDG_STATE_HOME", str(state_home))
