"""A call's page: head, answer, prompts by sections, manifest; at most as wide as the terminal."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from forge_cli.render.calls.answer import render_answer
from forge_cli.render.calls.highlight import highlight, plain
from forge_cli.render.calls.page import CallPage, Canvas, render_page
from forge_cli.views.calls.place import CallPlace, locate_call
from forge_cli.views.run import build_run_view
from forge_core.context.assemble import Coverage, build_prompt
from forge_core.context.sections import Section, fence
from forge_core.models.task import ContextConfig
from forge_obs import Interaction, Run
from rich.cells import cell_len

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CODE = 'import os\n\n\ndef f():\n\treturn "x"\n'
RESULT = {
    "plan": {
        "steps": [
            {"step_id": "a", "description": "First."},
            {"step_id": "b", "description": "Then the parser, with a description of some length."},
        ]
    },
    "step_results": [
        {
            "step_id": "b",
            "status": "success",
            "attempts": [
                {
                    "attempt": 1,
                    "signal": "failure_retryable",
                    "validation_results": [
                        {"check_name": "ruff_lint", "passed": False, "summary": "2 findings"}
                    ],
                },
                {"attempt": 2, "signal": "success", "commit_sha": "c" * 40},
            ],
        }
    ],
}


def make_call(number: int, **columns: Any) -> Interaction:
    sections = [
        Section("instructions", "", "You write.\n", ""),
        Section("target_file", "a.py", fence(CODE), "named as target", "full"),
        Section("task", "", "Do it, and say in as many words as you like what was done.", "why"),
    ]
    prompt = build_prompt(sections, ContextConfig(), Coverage())
    given: dict[str, Any] = {
        "id": number,
        "entry_id": f"{number}" * 32,
        "role": "llm",
        "model_name": "writer-1",
        "step_id": "b",
        "attempt": number,
        "workflow_id": "add-parser-7f3a",
        "created_at": NOW,
        "system_prompt": prompt.system_prompt,
        "user_prompt": prompt.user_prompt,
        "context_manifest_json": json.dumps([entry.model_dump() for entry in prompt.manifest]),
        "response": json.dumps({"files": [{"file_path": "a.py", "content": CODE + "g = f\n"}]}),
    }
    return Interaction(**{**given, **columns})


def make_place(call: Interaction, *others: Interaction) -> CallPlace:
    run = Run(
        workflow_id="add-parser-7f3a",
        status="success",
        created_at=NOW,
        description="Parse ISO dates",
        result_json=json.dumps(RESULT),
    )
    view = build_run_view(run, "success", None, NOW)
    place = locate_call(call, view, sorted([call, *others], key=lambda other: other.id or 0))
    assert place is not None
    return place


def render(call: Interaction, *others: Interaction, width: int | None = None) -> list[str]:
    page = CallPage(call, make_place(call, *others), answer=render_answer(call))
    return render_page(page, Canvas(width)).plain.split("\n")


def test_head_says_where_the_call_stands_what_came_of_it_and_how_to_go_on() -> None:
    lines = render(make_call(2), make_call(1))

    assert lines[:14] == [
        "call 22222222  llm, step b, attempt 2  accepted",
        f"id         {'2' * 32}",
        "run        add-parser-7f3a, success",
        "asked for  Parse ISO dates",
        "step       b, 2 of 2",
        "to do      Then the parser, with a description of some length.",
        "attempt    2 of 2",
        "outcome    accepted",
        f"commit     {'c' * 40}",
        "attempts   1  11111111  refused   ruff_lint: 2 findings",
        "           2  22222222  accepted  this call",
        "previous   forge show 11111111",
        "compare    forge diff 11111111 22222222",
        "model      writer-1",
    ]


def test_first_attempt_names_the_next() -> None:
    lines = render(make_call(1), make_call(2))

    assert "outcome    refused: ruff_lint: 2 findings" in lines
    assert "next       forge show 22222222" in lines
    assert "compare    forge diff 11111111 22222222" in lines
    assert not [line for line in lines if line.startswith("commit")]


def test_answer_comes_first_then_the_prompts_by_sections_then_the_manifest() -> None:
    lines = render(make_call(1))

    headings = [line.rstrip("─ ") for line in lines if line.startswith("── ")]
    assert [heading.partition(" ─────")[0] for heading in headings] == [
        "── answer",
        "── Instructions",
        "── Target file: a.py",
        "── Task",
    ]
    assert headings[2].endswith("63 characters, about 16 tokens")
    assert "user prompt: 2 sections, 131 characters, about 34 tokens" in lines
    assert lines.index("+g = f") < lines.index("You write.") < lines.index("def f():")
    assert lines[-5].startswith("manifest")
    assert lines[-1].endswith("what is to be done") or lines[-1].endswith("why")


@pytest.mark.parametrize("width", [60, 80, 110])
def test_page_is_no_wider_than_the_terminal(width: int) -> None:
    lines = render(make_call(2, error="because " * 40), make_call(1), width=width)

    long = [line for line in lines if cell_len(line.expandtabs(8)) > width]
    assert not long


def test_colours_leave_the_text_as_it_is() -> None:
    call = make_call(1)
    bare = render_page(CallPage(call, answer=render_answer(call, plain)), Canvas())
    coloured = render_page(
        CallPage(call, answer=render_answer(call, highlight)), Canvas(highlight=highlight)
    )

    assert coloured.plain == bare.plain
    assert len(coloured.spans) > len(bare.spans)


def test_code_is_coloured_to_the_letter() -> None:
    for code in (CODE, CODE.rstrip(), "\n\nx = 1", "\tx\n", "'''", "", "\\x1b[2J = 1"):
        assert highlight(code, "a.py").plain == code
        assert highlight(code, "unknown").plain == code


def test_call_of_another_program_is_its_texts_under_their_names() -> None:
    call = Interaction(
        role="chat",
        task_id="support",
        model_name="m",
        created_at=NOW,
        system_prompt="Be brief.",
        user_prompt="## Hello",
        response="Hi.",
    )

    lines = render_page(CallPage(call), Canvas()).plain.split("\n")

    assert lines[0] == "call   chat  answered"
    assert "task       support" in lines
    text = "\n".join(lines)
    assert "── answer ─" in text
    assert text.index("\nHi.") < text.index("\nBe brief.") < text.index("\n## Hello")


def test_conversation_is_shown_message_by_message_with_tools_and_their_results() -> None:
    messages = {
        "tools": [{"type": "function", "name": "weather"}],
        "input": [
            {"role": "user", "parts": [{"type": "text", "content": "Rain?"}]},
            {
                "role": "assistant",
                "parts": [
                    {"type": "tool_call", "id": "1", "name": "weather", "arguments": {"at": "Bern"}}
                ],
            },
            {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "id": "1", "response": "wet"}],
            },
        ],
        "output": [
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "umbrella", "id": "2"}]}
        ],
    }
    call = Interaction(
        role="chat", created_at=NOW, user_prompt="Rain?", messages_json=json.dumps(messages)
    )

    text = render_page(CallPage(call), Canvas()).plain

    assert "tools      weather\n" in text
    order = ["answer: calls umbrella", "── user ", "Rain?", "(calls weather)", '"at"', "wet"]
    positions = [text.index(words) for words in order]
    assert positions == sorted(positions)
    assert "(weather gave)\nwet" in text


def test_plan_is_the_list_of_its_steps() -> None:
    plan = {
        "explanation": "Two.",
        "steps": [
            {"step_id": "a", "description": "First.", "target_files": ["a.py", "b.py"]},
            {"step_id": "b", "sub_tasks": [{"sub_task_id": "c", "description": "Part."}]},
        ],
    }
    call = Interaction(role="planner", created_at=NOW, response=json.dumps(plan))

    text = render_page(CallPage(call), Canvas()).plain

    assert "Two.\n\n1. a: First.\n   changes a.py, b.py\n2. b: \n   - c: Part." in text


def test_many_calls_of_the_same_work_are_listed_around_the_one() -> None:
    calls = [make_call(n, attempt=1, seq=n, status="error", error="no") for n in range(30)]

    lines = render(calls[20], *calls[:20], *calls[21:])

    start = next(n for n, line in enumerate(lines) if line.startswith("attempts"))
    assert "1, request 17" in lines[start]
    assert "21 more calls of the same work" in "\n".join(lines)


def test_call_that_its_run_does_not_have_has_no_place() -> None:
    call = make_call(1)

    assert locate_call(call, make_place(call).view, [replace(call, id=7)]) is None
