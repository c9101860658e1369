"""What tracing costs a call, bare and with its prompts and answer.

Each call is the real activity, answered by a script, with a store, in turns of three kinds: not
traced, traced, and traced with content. A receiver in a process of its own takes what is sent.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

from forge_core.activities.llm import call_llm
from forge_core.models.activity import CallLLMInput
from forge_core.models.call.context import AssembledContext
from forge_core.tracing.setup import init_tracing, shutdown_tracing
from forge_core.tracing.telemetry import CAPTURE_VARIABLE
from forge_obs import redact_text
from temporalio.testing import ActivityEnvironment

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.script import answer, write_script

SIZES_KB = (40, 400)
ROUNDS = 15
CALLS = 4
"""Of each kind in a round."""

LIMIT_MS = 10.0
"""What content may add to a call of 400 kB, whose model takes seconds."""

KINDS = {"not traced": None, "traced": "NO_CONTENT", "with content": "SPAN_ONLY"}

RECEIVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def main() -> int:
    """Print the figures; 1 if content costs more than is promised."""
    missed = False
    with _receiving() as url, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "FORGE_DB_PATH": f"{home}/forge.db",
            "XDG_STATE_HOME": home,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        }
        model = write_script(Path(home) / "play.json", {"answer": answer()})
        for size_kb in SIZES_KB:
            took = asyncio.run(measure(model, size_kb))
            bare = took["not traced"]
            print(f"call of {size_kb} kB, median of {ROUNDS} rounds")
            for kind, ms in took.items():
                print(f"  {kind:<14} {ms:7.2f} ms   {ms - bare:+6.2f} ms")
            missed |= took["with content"] - bare > LIMIT_MS
    print(f"limit {LIMIT_MS} ms more   {'TOO SLOW' if missed else 'ok'}")
    return int(missed)


async def measure(model: str, size_kb: int) -> dict[str, float]:
    """Make calls of each kind in turns; gives the median of each in milliseconds."""
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS + 1):
        for kind, mode in KINDS.items():
            ms = await _time_calls(model, size_kb, mode)
            if number:  # the first warms up
                took[kind].append(ms)
    return {kind: median(figures) for kind, figures in took.items()}


async def _time_calls(model: str, size_kb: int, mode: str | None) -> float:
    if mode is not None:
        os.environ[CAPTURE_VARIABLE] = mode
        init_tracing("otlp_http", redact=redact_text)
    text = "def parse(line):  # keep the tail\n" * (size_kb * 1024 // 34)
    contexts = [
        AssembledContext(
            task_id="tidy",
            workflow_id=f"forge-tidy-{uuid4()}",  # else the answer would be recalled
            system_prompt=text[:4096],
            user_prompt=text,
        )
        for _ in range(CALLS)
    ]
    started = time.perf_counter()
    for context in contexts:
        await ActivityEnvironment().run(call_llm, CallLLMInput(context=context, model=model))
    took_ms = (time.perf_counter() - started) / CALLS * 1000
    shutdown_tracing()
    return took_ms


@contextmanager
def _receiving() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(receiver.stdout.readline())}"
        finally:
            receiver.terminate()


if __name__ == "__main__":
    raise SystemExit(main())
