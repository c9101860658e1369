"""What the documents point at exists, and what users type is documented."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cyclopts import App
from forge_cli.commands import build_app

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "packages").glob("*/README.md")]
)
PICTURES = sorted((ROOT / "docs").glob("*.svg"))
DECISION = re.compile(r"\bD\d{2,3}\b")
"""The number of a decision record."""
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
"""The path and the anchor of a link that leads to another page, or to a place in its own."""


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text())
    pages = [(document.parent / path if path else document, anchor) for path, anchor in links]

    assert [page for page, _ in pages if not page.exists()] == []
    assert [anchor for page, anchor in pages if anchor and anchor not in list_anchors(page)] == []


def test_readme_has_its_two_commands_word_for_word() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()

    assert "pip install hatch && hatch run forge demo" in lines
    assert "pip install hatch && hatch test" in lines


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_nothing_in_a_picture_is_cut_off(picture: Path) -> None:
    drawn = ElementTree.fromstring(picture.read_text())  # noqa: S314 - our own
    words = [word.attrib for word in drawn.iter() if word.tag.endswith("}text")]

    assert words
    assert max(float(word["x"]) + float(word["textLength"]) for word in words) < float(
        drawn.attrib["width"]
    )
    assert max(float(word["y"]) for word in words) < float(drawn.attrib["height"])


def test_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize(
    "generator", sorted((ROOT / "docs").glob("generate_*.py")), ids=lambda p: p.stem
)
def test_generated_pages_are_up_to_date(generator: Path) -> None:
    done = subprocess.run([sys.executable, generator, "--check"], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()


def test_every_environment_variable_of_ours_is_documented() -> None:
    text = (ROOT / "docs/reference/environment.md").read_text()
    sources = (path.read_text() for path in (ROOT / "packages").rglob("*.py"))
    used = {name for source in sources for name in re.findall(r"\bFORGE_[A-Z_]+\b", source)}

    assert sorted(name for name in used if f"`{name}`" not in text) == []


COMMAND_LINE = re.compile(r"^(?:[A-Z_]+=\S* )?(?:hatch run )?forge ([a-z].*)$", re.M)
"""A line of an example that runs forge, behind a variable or not."""


def list_command_lines(document: Path) -> list[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```", document.read_text(), re.M | re.S)
    joined = (block.replace("\\\n", " ") for block in blocks)
    return [line for block in joined for line in COMMAND_LINE.findall(block)]


def find_command(app: App, words: list[str]) -> App:
    """Follow words to the command that they name."""
    while words and words[0] in app:
        app, words = app[words[0]], words[1:]
    return app


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines_of_a_document_name_commands_and_options_that_exist(document: Path) -> None:
    app = build_app()
    lines = [line.split(" #")[0].split(" | ")[0] for line in list_command_lines(document)]
    unknown = []
    for line in lines:
        command = find_command(app, line.split())
        collections = [
            command.assemble_argument_collection(),
            app.meta.assemble_argument_collection(),
        ]
        known = {name for found in collections for argument in found for name in argument.names}
        known |= {"--help", "--version"}
        options = re.findall(r"(?<=\s)--[a-z-]+", re.sub(r'"[^"]*"', "", line))
        if command is app or set(options) - known:
            unknown.append(line)

    assert unknown == []


def test_every_guide_is_named_where_people_look() -> None:
    index = (ROOT / "docs/how-to/README.md").read_text()
    guides = {path.name for path in (ROOT / "docs/how-to").glob("*.md")} - {"README.md"}

    assert sorted(name for name in guides if f"({name})" not in index) == []


def test_every_decision_is_listed_and_cited_by_what_it_explains() -> None:
    records = {path.name: path.read_text() for path in (ROOT / "docs/decisions").glob("D*.md")}
    titles = [(name, re.findall(r"# D\d+: (.*)", text)[0]) for name, text in records.items()]
    index = (ROOT / "docs/decisions/README.md").read_text()
    sources = [*(ROOT / "packages").rglob("*.py"), *(ROOT / "packages").glob("*/pyproject.toml")]

    cited = {name for path in sources for name in DECISION.findall(path.read_text())}

    assert cited == {name.split("-")[0] for name in records}
    titles.sort(key=lambda title: int(title[0].split("-")[0][1:]))
    assert re.findall(r"\]\((D\S+)\) \| (.*) \|", index) == titles
