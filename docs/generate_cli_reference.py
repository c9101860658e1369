"""Write `docs/reference/cli.md` from the application's own help.

`python docs/generate_cli_reference.py` writes it; with `--check` it only says, by its exit code,
whether the page is what the application says now.
"""

import re
import sys
from pathlib import Path

from forge_cli.app import build_app

PAGE = Path(__file__).parent / "reference" / "cli.md"

INTRODUCTION = """\
<!-- Made by docs/generate_cli_reference.py from the help of the commands: change it there. -->

# Command line

`forge COMMAND --help` says the same on the terminal, and `python -m forge_cli` is the same command.
Exit codes are in [exit-codes.md](exit-codes.md), the documents of `--json` in [json.md](json.md).
"""


def render_page() -> str:
    """Render the page: every command with its usage, its text and its options."""
    text = build_app().generate_docs(output_format="markdown", heading_level=1)
    commands = text[text.index("\n## forge ") :]
    unbroken = re.sub(r"\n +(?=[^ *-])", " ", commands)
    return INTRODUCTION + re.sub(r"\n{3,}", "\n\n", unbroken).rstrip() + "\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check that it is up to date."""
    page = render_page()
    if "--check" not in arguments:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        raise SystemExit(f"{PAGE} is not up to date: run python docs/generate_cli_reference.py")


if __name__ == "__main__":
    main(sys.argv[1:])
