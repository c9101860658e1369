"""Write `docs/reference/cli.md` from the application's own help.

`python docs/generate_cli_reference.py` writes it; with `--check` it only says, by its exit code,
whether the page is what the application says now.
"""

import re
import sys
from pathlib import Path

from forge_cli.commands import build_app
from forge_cli.help import EXAMPLES, METAVARS, USAGES
from forge_cli.options.common import GLOBAL_GROUP

PAGE = Path(__file__).parent / "reference" / "cli.md"

INTRODUCTION = """\
<!-- Made by docs/generate_cli_reference.py from the help of the commands: change it there. -->

# Command line

`forge COMMAND --help` says the same on the terminal, and `python -m forge_cli` is the same command.
Exit codes are in [exit-codes.md](exit-codes.md), the documents of `--json` in [json.md](json.md).
What a RUN and a CALL are called by is in [names.md](names.md).
"""


HEADING = re.compile(r"^#+ forge (.+)$", re.M)

USAGE = re.compile(r"```console\n.*?\n```", re.S)

VALUE = re.compile(rf"(?<= )(?:{'|'.join(METAVARS)})(?=[`.\]]|\.\.\.)")

GLOBAL_OPTIONS = re.compile(rf"\*\*{GLOBAL_GROUP.name}\*\*:\n\n(?:\*.*\n)+\n?")


def render_page() -> str:
    """Render the page: every command with its usage, its text, its options and examples."""
    text = build_app().generate_docs(output_format="markdown", heading_level=1)
    unbroken = re.sub(r"\n +(?=[^ *-])", " ", text[text.index("\n## forge ") :])
    unbroken = VALUE.sub(lambda match: METAVARS[match[0]], unbroken)
    [common] = set(GLOBAL_OPTIONS.findall(f"{unbroken}\n"))
    sections = re.split(r"^(?=#+ forge )", GLOBAL_OPTIONS.sub("", f"{unbroken}\n"), flags=re.M)
    commands = "".join(render_section(section) for section in sections)
    return re.sub(r"\n{3,}", "\n\n", INTRODUCTION + "\n" + common + commands).rstrip() + "\n"


def render_section(section: str) -> str:
    """Render a section with the usage as the help page has it, and with examples."""
    heading = HEADING.search(section)
    usage = USAGES.get(heading[1]) if heading is not None else None
    if usage is not None:
        lines = "\n".join(line.strip() for line in usage.splitlines())
        section = USAGE.sub(f"```console\n{lines}\n```", section, count=1)
    return section.rstrip() + render_examples(section)


def render_examples(section: str) -> str:
    """Render the examples of the command that a section is about."""
    heading = HEADING.search(section)
    lines = EXAMPLES.get(heading[1], ()) if heading is not None else ()
    return "\n\n" + "\n".join(["```console", *lines, "```"]) + "\n\n" if lines else "\n\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check that it is up to date."""
    page = render_page()
    if "--check" not in arguments:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        raise SystemExit(f"{PAGE} is not up to date: run python docs/generate_cli_reference.py")


if __name__ == "__main__":
    main(sys.argv[1:])
