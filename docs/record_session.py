"""Record `forge demo` for the README: its lines, and a picture of them with the run's tree.

`python docs/record_session.py` runs the demonstration and writes the session into `README.md` and
`docs/demo.svg`, unless they say the same already but for ids, times and places; with `--check` it
only tells, by its exit code, whether they do.
"""

import html
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "demo.svg"

BLOCK = re.compile(r"(<!-- session: .* -->\n+```\n)(.*?)(^```\n)", re.M | re.S)
"""The session in the README, in the second group."""

USUAL_PLACE = "/tmp"  # noqa: S108 - a word of the picture
"""Stands in the recording for where the demonstration was run."""

WIDTH = 124
"""Columns of the picture."""

MASKS: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| UTC)", "MOMENT"),
    (r"/\S*forge-demo-\w+", "PLACE"),
    (r"\S+answers\.json", "SCRIPT"),
    (r"forge-demo-[0-9a-f]{8}", "RUN"),
    (r"\b[0-9a-f]{12}\b", "COMMIT"),
    (r"\b[0-9a-f]{8}\b", "CALL"),
    (r"\d+ min \d+ s|\d+\.\d s|\d+ ms", "TIME"),
    (r"model TIME, .*", "TIMES"),
    (r"[ \xa0]+", " "),
)
"""What differs from one recording to the next, and what stands for it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the demonstration printed."""

    session: str
    """The lines of the run, from its start to what can be done with it."""
    tree: str
    """What `forge status` showed of it, with the colours of a terminal."""
    status_command: str


def record() -> Recording:
    """Run the demonstration with a store of its own."""
    with tempfile.TemporaryDirectory() as directory:
        environ = build_environment(Path(directory))
        command = [sys.executable, "-m", "forge_cli", "demo"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        session = cut_session(done.stdout.replace(directory, USUAL_PLACE))
        run = find(r"run (forge-demo-[0-9a-f]{8}): success", session)
        arguments = ["status", "--workflow-id", run[1], "--no-pager"]
        tree = run_on_terminal([*command[:-1], *arguments], environ)
    tree = tree.replace(directory, USUAL_PLACE)
    return Recording(session, tree, f"forge status --workflow-id {run[1]}")


def build_environment(directory: Path) -> dict[str, str]:
    """Build an environment in which nobody's configuration or store has a say."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FORGE_", "TEMPORAL_", "OTEL_")) and name != "NO_COLOR"
    }
    places = {
        "FORGE_DB_PATH": directory / "forge.db",
        "XDG_CONFIG_HOME": directory,
        "TMPDIR": directory,
    }
    terminal = {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "100"}
    return {**kept, **terminal, **{name: str(path) for name, path in places.items()}}


def cut_session(output: str) -> str:
    """Cut the lines of the run out of what the demonstration printed."""
    start = find(r"^\S+ run forge-demo-\w+: started", output)
    return output[start.start() :].split("\n\n", 1)[0] + "\n"


def find(pattern: str, output: str) -> re.Match[str]:
    """Find what the demonstration must have printed."""
    found = re.search(pattern, output, re.M)
    if found is None:
        raise SystemExit(f"no {pattern!r} in {output!r}")
    return found


def run_on_terminal(command: list[str], environ: Mapping[str, str]) -> str:
    """Run a command on a terminal and give what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    if process.returncode != 0:
        raise SystemExit(f"{command} failed: {written!r}")
    return written.decode().replace("\r\n", "\n").replace(f"{ROOT}/", "")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so where the other side is closed
        return b""


def draw(recording: Recording) -> str:
    """Draw both commands and what they printed, as a picture."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for command, output in (
        ("forge demo", Text(recording.session)),
        (recording.status_command, Text.from_ansi(recording.tree)),
    ):
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(output, no_wrap=True, overflow="crop", highlight=False)
    picture = console.export_svg(title="forge", unique_id="forge-demo")
    return re.sub(r"[ \t]+$", "", picture, flags=re.M)


def mask(text: str) -> str:
    """Replace what differs from one recording to the next."""
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


def read_picture(svg: str) -> str:
    """Read the words of a picture; where they stand does not matter."""
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return html.unescape("\n".join(words)).replace("\xa0", " ")


def update(path: Path, new: str, read: Callable[[str], str], *, check: bool) -> None:
    """Write a file whose masked text changed, or complain about it."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if mask(read(old)).split() == mask(read(new)).split():
        return
    if check:
        raise SystemExit(f"{path} is not up to date: run python docs/record_session.py")
    path.write_text(new, encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Record, then write or check."""
    check = "--check" in arguments
    recording = record()
    readme = README.read_text(encoding="utf-8")
    session = BLOCK.sub(lambda found: found[1] + recording.session + found[3], readme)
    update(README, session, str, check=check)
    update(PICTURE, draw(recording), read_picture, check=check)


if __name__ == "__main__":
    main(sys.argv[1:])
