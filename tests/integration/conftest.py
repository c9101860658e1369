"""What integration tests share: a fresh recorder for each, and one real Temporal server."""

from collections.abc import Iterator

import pytest
from forge_obs import recorder
from support.temporal_server import running_server


@pytest.fixture(autouse=True)
def fresh_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are given once a minute and process: let each test see its own."""
    monkeypatch.setattr(recorder, "_state", recorder._State())


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that runs for the whole session."""
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address
