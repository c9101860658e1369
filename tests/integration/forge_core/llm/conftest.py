"""What all tests of calls share: each begins without what a process learns of servers."""

import pytest
from forge_core.llm.servers import known_addresses, known_dialects


@pytest.fixture(autouse=True)
def unknown_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget servers and what they take: another test's may have had the same port."""
    monkeypatch.setattr(known_addresses, "_ANSWERED", set())
    monkeypatch.setattr(known_dialects, "_KNOWN", {})
