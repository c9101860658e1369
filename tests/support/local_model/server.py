"""Starting the model server, and reading its log."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.local_model.model import write_model
from support.waiting import DEADLINE_S, wait_until

CONTEXT_TOKENS = 32_768
"""Longest request with its answer; the model has a token for each byte."""

NAME = "words"
"""The server answers under any name."""

EVALUATED = re.compile(r"prompt eval time = +([\d.]+) ms / +(\d+) tokens")
GENERATED = re.compile(r"(?<!prompt) eval time = +([\d.]+) ms / +(\d+) tokens")
CANCELLED = "cancel task"


@dataclass(frozen=True, slots=True)
class Timing:
    """What the server counted of one request."""

    prompt_ms: float
    prompt_tokens: int
    answer_ms: float
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model server that runs."""

    url: str
    """Its root."""
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point the providers here whose interfaces it has."""
        return {
            "ANTHROPIC_API_KEY": "anthropic-key",
            "ANTHROPIC_BASE_URL": self.url,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OLLAMA_BASE_URL": f"{self.url}/v1",
        }

    def configure(self, patch: pytest.MonkeyPatch) -> None:
        """Point the providers of this process, and of those that it starts, here."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    def list_timings(self) -> list[Timing]:
        """List what was counted, in the order in which requests ended."""
        log = self.log.read_text(errors="replace")
        pairs = zip(EVALUATED.findall(log), GENERATED.findall(log), strict=False)
        return [
            Timing(float(prompt[0]), int(prompt[1]), float(answer[0]), int(answer[1]))
            for prompt, answer in pairs
        ]

    def wait_for_timings(self, count: int) -> list[Timing]:
        """Wait until so many requests have ended, and list them."""
        wait_until(lambda: len(self.list_timings()) >= count, f"{count} requests in the log")
        return self.list_timings()


@contextmanager
def running_model(directory: Path) -> Iterator[LocalModel]:
    """Run a server until the block ends; where its wheel is not installed, the test is skipped."""
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp has no wheel for this machine")
    model, log = directory / "model.gguf", directory / "server.log"
    write_model(model)
    program = Path(__file__).with_name("serve.py")
    with log.open("wb") as err:
        server = subprocess.Popen(
            [sys.executable, "-P", str(program), str(model), str(CONTEXT_TOKENS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            assert url, log.read_text(errors="replace")
            yield LocalModel(url, log)
        finally:
            server.stdin.close()
            try:
                server.wait(DEADLINE_S)
            finally:
                server.kill()
