"""Prompts are taken apart at the places that the manifest names, else at their headings."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from forge_cli.views.calls.sections import read_sections
from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.sections import Section, fence
from forge_core.models.task import ContextConfig
from forge_obs import Interaction

TRICKY = "Do it.\n\n## Plan\n\nas the task's own text says"
SECTIONS = [
    Section("instructions", "", "You write.\n", ""),
    Section("repo_map", "", fence("a.py"), ""),
    Section("target_file", "a.py", fence("## Task\nx = 1\n"), "", "full"),
    Section("task", "", TRICKY, ""),
]


def make_call(sections: Sequence[Section] = SECTIONS, **columns: Any) -> Interaction:
    prompt = build_prompt(sections, ContextConfig(), Coverage())
    return Interaction(
        system_prompt=prompt.system_prompt,
        user_prompt=prompt.user_prompt,
        context_manifest_json=json.dumps([entry.model_dump() for entry in prompt.manifest]),
        **columns,
    )


def without_places(call: Interaction) -> Interaction:
    entries = json.loads(call.context_manifest_json or "")
    bare = [
        {key: value for key, value in entry.items() if key not in {"prompt", "start", "length"}}
        for entry in entries
    ]
    return replace(call, context_manifest_json=json.dumps(bare))


def test_sections_are_those_of_the_manifest_with_their_texts_and_tokens() -> None:
    sections = read_sections(make_call())

    assert [(s.prompt, s.kind, s.name, s.title) for s in sections] == [
        ("system", "instructions", "", "Instructions"),
        ("system", "repo_map", "", "Repository map"),
        ("user", "target_file", "a.py", "Target file: a.py"),
        ("user", "task", "", "Task"),
    ]
    assert sections[2].text == "```\n## Task\nx = 1\n```"
    assert sections[2].path == "a.py"
    assert sections[3].text == TRICKY
    assert sections[3].tokens == 14


def test_what_a_later_request_adds_stands_behind_them() -> None:
    call = make_call()
    call.user_prompt += (
        "\n\n## Asked for: b.py\n\n```\n## Plan\n```\n\n\n## Your request\n\nMore.\n"
    )

    sections = read_sections(call)

    assert [(s.kind, s.name, s.text) for s in sections[4:]] == [
        ("asked_for", "b.py", "```\n## Plan\n```"),
        ("request", "", "More."),
    ]


def test_older_calls_are_taken_apart_at_their_headings() -> None:
    sections = read_sections(without_places(make_call(SECTIONS[:3])))

    assert [(s.kind, s.name) for s in sections] == [
        ("instructions", ""),
        ("repo_map", ""),
        ("target_file", "a.py"),
    ]
    assert sections[2].text == "```\n## Task\nx = 1\n```"


def test_sections_that_redaction_moved_are_found_by_their_headings() -> None:
    call = make_call()
    call.user_prompt = call.user_prompt.replace("x = 1", "x = [taken out]")

    found = {section.kind: section.text for section in read_sections(call)}

    assert "x = [taken out]" in found["target_file"]
    assert found["task"] == "Do it."


def test_shortened_file_is_named_by_its_path() -> None:
    section = Section("target_file", "a.py", "```\nx\n```", "", "excerpt", ranges=((1, 2),))

    (_, found) = read_sections(without_places(make_call([SECTIONS[0], section])))

    assert found.name == "a.py"


def test_prompts_of_other_programs_are_whole() -> None:
    call = Interaction(system_prompt="Be brief.", user_prompt="## Task\n\n## Plan\n")

    sections = read_sections(call)

    assert [(s.title, s.text) for s in sections] == [
        ("System prompt", "Be brief."),
        ("User prompt", "## Task\n\n## Plan"),
    ]


def test_no_prompt_has_no_section() -> None:
    assert read_sections(Interaction()) == ()


@pytest.mark.parametrize(
    "manifest",
    [
        '{"a": 1}',
        '["x", 3]',
        '[{"prompt": "user", "start": "a"}]',
        '[{"prompt": "user", "start": 0, "length": 10000, "kind": "task"}]',
        '[{"prompt": "user", "start": 0, "length": -1, "kind": "task", "tokens": "x"}]',
        '[{"prompt": "user", "start": 0, "length": 0, "kind": "task", "tokens": 0}]',
    ],
)
def test_damaged_manifest_loses_no_text(manifest: str) -> None:
    call = Interaction(user_prompt="Do it.", context_manifest_json=manifest)

    assert [section.text for section in read_sections(call)] == ["Do it."]
