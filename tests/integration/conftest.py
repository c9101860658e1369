"""What integration tests share: a fresh recorder for each, and one real Temporal server."""

from collections.abc import Iterator

import pytest
from forge_cli.app import call
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config
from forge_obs import breaker, delivery
from support.forge import Forge, Outcome
from support.store import forget_databases
from support.temporal_server import running_server
from temporalio.client import Client


@pytest.fixture(autouse=True)
def fresh_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are given once a minute and process: let each test see its own."""
    monkeypatch.setattr(delivery, "_state", delivery._State())


@pytest.fixture(autouse=True)
def no_database_is_kept() -> Iterator[None]:
    """Forget the databases of a test: each flush of all later ones would look at them again."""
    yield
    forget_databases()


@pytest.fixture
def forge(capsys: pytest.CaptureFixture[str]) -> Forge:
    """Run commands in this process, which saves its start."""

    def run(*args: str) -> Outcome:
        code = call(list(args))
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for a locked database, and try it again sooner."""
    monkeypatch.setattr(delivery, "DEADLINE_S", 0.2)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 0.1)


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that runs for the whole session."""
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """Connect to that server as `forge run` does."""
    return await connect(embedded_config(temporal_address, get_state_dir()))
