"""One real Temporal server for all tests that need one."""

from collections.abc import Iterator

import pytest
from support.temporal_server import running_server


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that runs for the whole session."""
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address
