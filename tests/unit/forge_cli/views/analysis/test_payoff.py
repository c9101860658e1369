"""A file pays off if an answer changed, imported or named it."""

import json
from typing import Any

import pytest
from forge_cli.views.analysis.answer_text import read_answer
from forge_cli.views.analysis.payoff import Payoff, measure_payoff
from forge_obs import Interaction

FILES = ("pkg/core.py", "pkg/__init__.py", "web/src/util.ts", "docs/notes.md")
PROMPT = "\n".join(f"## Target file: {path}\n\n```\n{'x' * 400}\n```\n" for path in FILES)


def measure(answer: Any, prompt: str = PROMPT, kind: str = "target_file") -> Payoff:
    manifest = []
    for part in prompt.split("\n## "):
        text = part if part.startswith("## ") else f"## {part}"
        path = text.split(": ")[1].split("\n")[0].split(" (")[0]
        start = prompt.index(text.rstrip("\n"))
        entry = {"kind": kind, "name": path, "path": path, "prompt": "user"}
        manifest.append({**entry, "start": start, "length": len(text), "tokens": 100})
    response = answer if isinstance(answer, str) else json.dumps(answer)
    call = Interaction(
        role="llm",
        user_prompt=prompt,
        response=response,
        context_manifest_json=json.dumps(manifest),
    )
    return measure_payoff([call])


def list_uses(answer: Any) -> dict[str, tuple[str, ...]]:
    return {file.path: file.uses for file in measure(answer).files if file.uses}


@pytest.mark.parametrize(
    ("answer", "uses"),
    [
        ({"files": [{"file_path": "pkg/core.py", "content": "1"}]}, {"pkg/core.py": ("changed",)}),
        ({"deletions": ["docs/notes.md"]}, {"docs/notes.md": ("changed",)}),
        (
            {"renames": [{"file_path": "docs/notes.md", "new_path": "docs/n.md"}]},
            {"docs/notes.md": ("changed",)},
        ),
        (
            {"edits": [{"file_path": "a.py", "search": "x", "replace": "from pkg import core\n"}]},
            {"pkg/core.py": ("imported",), "pkg/__init__.py": ("imported",)},
        ),
        (
            {"files": [{"file_path": "a.py", "content": "import os, pkg.core as c\n"}]},
            {"pkg/core.py": ("imported",)},
        ),
        (
            {"files": [{"file_path": "web/a.ts", "content": "import { x } from './src/util'\n"}]},
            {"web/src/util.ts": ("imported",)},
        ),
        ({"untouched": [{"file_path": "pkg/core.py", "reason": "-"}]}, {"pkg/core.py": ("named",)}),
        ({"explanation": "As docs/notes.md says."}, {"docs/notes.md": ("named",)}),
        ({"explanation": "docs/notes.md"}, {"docs/notes.md": ("named",)}),
        ({"context_request": {"files": ["pkg/core.py"]}}, {"pkg/core.py": ("named",)}),
        ({"context_request": "docs/notes.md"}, {"docs/notes.md": ("named",)}),
        ({"context_request": {"files": [1, {}]}}, {}),
        ({"files": [{"file_path": "a.py", "content": "import os, \n"}]}, {}),
        ({"steps": [{"step_id": "a", "context_files": ["pkg/core.py"]}]}, {}),
        ("no JSON, but pkg/core.py\n", {"pkg/core.py": ("named",)}),
        ({"explanation": "pkg/core.pyx, my/pkg/core.py and the core of it"}, {}),
    ],
    ids=str,
)
def test_uses_of_an_answer(answer: Any, uses: dict[str, tuple[str, ...]]) -> None:
    assert list_uses(answer) == uses


def test_share_of_what_was_never_touched() -> None:
    payoff = measure({"files": [{"file_path": "pkg/core.py", "content": "1"}]})

    assert payoff.file_tokens == 400
    assert payoff.untouched_tokens == 300
    assert payoff.untouched_share == 0.75
    assert {(file.calls, file.calls_used) for file in payoff.files} == {(1, 1), (1, 0)}


@pytest.mark.parametrize(
    "answer",
    [
        {"files": [{"file_path": "pkg/core.py", "content": "1"}]},
        {"context_request": {"files": ["pkg/core.py"]}},
    ],
    ids=["changed", "asked for"],
)
def test_file_that_was_cut_and_needed_is_named(answer: Any) -> None:
    prompt = PROMPT.replace(
        "## Target file: pkg/core.py",
        "## Target file: pkg/core.py (signatures only, the whole file finds no room)",
    )

    payoff = measure(answer, prompt)

    assert [file.path for file in payoff.files if file.is_cut] == ["pkg/core.py"]


def test_interface_of_a_file_that_was_needed_is_a_cut_file() -> None:
    answer = {"context_request": {"files": ["pkg/core.py"]}}
    prompt = PROMPT.replace("## Target file", "## Interface")

    cut = [file.path for file in measure(answer, prompt, "interface").files if file.is_cut]

    assert cut == ["pkg/core.py"]
    assert not [file for file in measure(answer).files if file.is_cut]


def test_answer_that_is_missing_uses_nothing() -> None:
    answer = read_answer(Interaction(response=None))

    assert list(answer.list_uses("pkg/core.py")) == []


def test_run_without_files_has_no_share() -> None:
    assert measure_payoff([Interaction(user_prompt="u")]).untouched_share is None
