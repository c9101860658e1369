"""Messages of every client take the form of the GenAI conventions; bytes become their hash."""

import base64
from hashlib import sha256
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from forge_obs.model.conversation.messages import Conversation, read_conversation
from hypothesis import example, given
from hypothesis import strategies as st
from support.lazy import LazyModule

if TYPE_CHECKING:
    from pydantic_ai import messages
else:
    messages = LazyModule("pydantic_ai.messages")

PNG = b"\x89PNG"
PNG_TEXT = base64.b64encode(PNG).decode()
BLOB = {
    "type": "blob",
    "modality": "image",
    "mime_type": "image/png",
    "sha256": sha256(PNG).hexdigest(),
    "size_bytes": 4,
}


def text(content: str, kind: str = "text") -> dict[str, object]:
    return {"type": kind, "content": content}


def call(identity: str | None) -> dict[str, object]:
    return {"type": "tool_call", "id": identity, "name": "add", "arguments": {"a": 1}}


def result(identity: str, response: object = "42") -> dict[str, object]:
    return {"type": "tool_call_response", "id": identity, "response": response}


CHAT = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Add."},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_TEXT}"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "42"},
]
RESPONSES = {
    "instructions": "Be brief.",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Add."},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PNG_TEXT}"},
            ],
        },
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "c", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
    ],
}
ANTHROPIC = {
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Add."},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PNG_TEXT},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "c", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c",
                    "content": [{"type": "text", "text": "42"}],
                }
            ],
        },
    ],
}
GEMINI = {
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "Add."},
                {"inline_data": {"mime_type": "image/png", "data": PNG}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"function_call": {"id": "c", "name": "add", "args": {"a": 1}}},
            ],
        },
        {"role": "user", "parts": [{"function_response": {"id": "c", "response": "42"}}]},
    ],
}
BEDROCK = {
    "system": [{"text": "Be brief."}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "Add."},
                {"image": {"format": "png", "source": {"bytes": PNG}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm"}}},
                {"toolUse": {"toolUseId": "c", "name": "add", "input": {"a": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "42"}]}}],
        },
    ],
}


LANGCHAIN: list[dict[str, Any]] = [
    {"type": "system", "content": "Be brief.", "additional_kwargs": {}},
    {
        "type": "human",
        "content": [
            {"type": "text", "text": "Add."},
            {"type": "image", "base64": PNG_TEXT, "mime_type": "image/png"},
        ],
        "additional_kwargs": {},
    },
    {
        "type": "ai",
        "content": [{"type": "tool_use", "id": "c", "name": "add", "input": {"a": 1}}],
        "additional_kwargs": {"reasoning_content": "hm"},
        "tool_calls": [{"name": "add", "args": {"a": 1}, "id": "c", "type": "tool_call"}],
        "invalid_tool_calls": [],
    },
    {"type": "tool", "content": "42", "tool_call_id": "c", "additional_kwargs": {}},
]
LANGCHAIN_WRITTEN = [
    {"type": m["type"], "data": {n: v for n, v in m.items() if n != "type"}} for m in LANGCHAIN
]


def flatten(conversation: Conversation) -> list[tuple[str, dict[str, object]]]:
    """List whose each part is; a result of a tool may be the user's, or the tool's own."""
    messages: Any = conversation.document["input"]
    return [
        ("tool" if part["type"] == "tool_call_response" else message["role"], part)
        for message in messages
        for part in message["parts"]
    ]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(CHAT, id="chat"),
        pytest.param({"messages": CHAT}, id="request"),
        pytest.param(RESPONSES, id="responses"),
        pytest.param(ANTHROPIC, id="Anthropic"),
        pytest.param(GEMINI, id="Gemini"),
        pytest.param(BEDROCK, id="Bedrock"),
        pytest.param(LANGCHAIN, id="LangChain"),
        pytest.param([SimpleNamespace(**m) for m in LANGCHAIN], id="LangChain's objects"),
        pytest.param(LANGCHAIN_WRITTEN, id="LangChain, written down"),
        pytest.param(orjson.dumps(CHAT), id="JSON"),
    ],
)
def test_one_conversation_is_the_same_in_everybodys_words(messages: object) -> None:
    conversation = read_conversation(messages)

    assert flatten(conversation) == [
        ("system", text("Be brief.")),
        ("user", text("Add.")),
        ("user", BLOB),
        ("assistant", text("hm", "reasoning")),
        ("assistant", call("c")),
        ("tool", result("c")),
    ]
    assert (conversation.system_prompt, conversation.user_prompt) == ("Be brief.", "42")
    assert conversation.notes == ()


def test_messages_of_pydantic_ai_are_read() -> None:
    history = [
        messages.ModelRequest(
            [messages.SystemPromptPart("Be brief."), messages.UserPromptPart("Add.")]
        ),
        messages.ModelResponse(
            [messages.ThinkingPart("hm"), messages.ToolCallPart("add", {"a": 1}, "c")]
        ),
        messages.ModelRequest([messages.ToolReturnPart("add", "42", "c")]),
        messages.ModelResponse([messages.TextPart("It is 42.")]),
    ]

    parts = [part for _, part in flatten(read_conversation(history))]

    assert parts == [
        text("Be brief."),
        text("Add."),
        text("hm", "reasoning"),
        call("c"),
        result("c"),
        text("It is 42."),
    ]


def test_request_of_pydantic_ai_is_parted_by_who_speaks() -> None:
    asked: list[str | messages.ImageUrl | messages.BinaryContent] = [
        "Look.",
        messages.BinaryContent(data=PNG, media_type="image/png"),
        messages.ImageUrl(url="https://example.org/a.png"),
    ]
    history: list[messages.ModelMessage] = [
        messages.ModelRequest([messages.UserPromptPart(asked)], instructions="Be brief."),
        messages.ModelResponse([messages.ToolCallPart("add", {"a": 1}, "c")]),
        messages.ModelRequest(
            [messages.ToolReturnPart("add", "42", "c")], instructions="Be brief."
        ),
    ]

    for form in (history, messages.ModelMessagesTypeAdapter.dump_python(history, mode="json")):
        conversation = read_conversation(form)
        assert flatten(conversation) == [
            ("system", text("Be brief.")),
            ("user", text("Look.")),
            ("user", BLOB),
            ("user", {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"}),
            ("assistant", call("c")),
            ("tool", result("c")),
        ]
        assert conversation.system_prompt == "Be brief."


def test_pairs_of_role_and_text_are_messages() -> None:
    pairs = [("system", "Be brief."), ("human", "Hi"), ("ai", "Hello."), ("user", "Bye")]

    conversation = read_conversation(pairs)

    assert (conversation.system_prompt, conversation.user_prompt) == ("Be brief.", "Bye")
    assert [role for role, _ in flatten(conversation)] == ["system", "user", "assistant", "user"]
    assert flatten(read_conversation(("human", "Hi"))) == [("user", text("Hi"))]


def test_bytes_in_a_part_that_nobody_knows_are_not_kept() -> None:
    url = f"data:image/png;base64,{PNG_TEXT}"
    items = [
        {"type": "computer_call_output", "call_id": "c", "output": {"image_url": url}},
        {"type": "image_generation_call", "id": "i", "result": PNG_TEXT},
    ]

    [(shown, screenshot), (made, image)] = flatten(read_conversation(items))

    assert (shown, screenshot["output"]) == ("tool", {"image_url": BLOB})
    assert (made, image["result"]) == ("assistant", BLOB)


def test_spoken_answer_is_its_transcript_and_its_sound() -> None:
    spoken = {"role": "assistant", "audio": {"id": "a", "transcript": "Hi.", "data": PNG_TEXT}}
    earlier = {"role": "assistant", "content": None, "audio": {"id": "audio-1"}}

    parts = [part for _, part in flatten(read_conversation([spoken, earlier]))]

    sound = {name: BLOB[name] for name in ("type", "sha256", "size_bytes")} | {"modality": "audio"}
    named = {"type": "file", "modality": "audio", "file_id": "audio-1"}
    assert parts == [text("Hi."), sound, named]


def test_what_is_in_this_form_already_stays_as_it_is() -> None:
    document = {
        "input": [{"role": "user", "parts": [text("Hi"), BLOB]}],
        "output": [{"role": "assistant", "parts": [call("c")], "finish_reason": "tool_call"}],
        "tools": [{"type": "function", "name": "add", "parameters": {"type": "object"}}],
    }

    assert read_conversation(document).document == document


@pytest.mark.parametrize(
    "tools",
    [
        [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
        [{"type": "function", "name": "add", "parameters": {"type": "object"}}],
        [{"name": "add", "input_schema": {"type": "object"}}],
        [{"function_declarations": [{"name": "add", "parameters": {"type": "object"}}]}],
        {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}]},
    ],
    ids=["chat", "responses", "Anthropic", "Gemini", "Bedrock"],
)
def test_tools_are_the_same_in_everybodys_words(tools: object) -> None:
    read = read_conversation({"messages": "Hi", "tools": tools}).document["tools"]

    assert read == [{"type": "function", "name": "add", "parameters": {"type": "object"}}]


def test_bytes_are_kept_where_it_is_asked_for() -> None:
    [_, _, (_, part), *_] = flatten(read_conversation(CHAT, keeps_media=True))

    assert part == BLOB | {"content": PNG_TEXT}


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": PNG_TEXT, "format": "wav"}},
            BLOB | {"modality": "audio", "mime_type": "audio/wav"},
        ),
        (
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "modality": "document", "file_id": "file-1"},
        ),
        (
            {"file_data": {"mime_type": "video/mp4", "file_uri": "gs://a/b"}},
            {"type": "uri", "modality": "video", "uri": "gs://a/b"},
        ),
        ({"type": "refusal", "refusal": "No."}, text("No.", "refusal")),
        ({"type": "redacted_thinking", "data": "x"}, text("(redacted)", "reasoning")),
        (
            {"type": "novelty", "value": b"raw"},
            {
                "type": "novelty",
                "value": {
                    "type": "blob",
                    "modality": "document",
                    "sha256": sha256(b"raw").hexdigest(),
                    "size_bytes": 3,
                },
            },
        ),
        ({"type": "text", "text": 17}, text("17")),
        (
            {"type": "audio", "base64": PNG_TEXT, "mime_type": "audio/wav"},
            BLOB | {"modality": "audio", "mime_type": "audio/wav"},
        ),
        (
            {"type": "file", "url": "https://example.org/a.pdf"},
            {"type": "uri", "modality": "document", "uri": "https://example.org/a.pdf"},
        ),
        ({"type": "reasoning", "reasoning": "hm"}, text("hm", "reasoning")),
        (
            {"type": "custom", "id": "c", "custom": {"name": "py", "input": "1"}},
            {"type": "tool_call", "id": "c", "name": "py", "arguments": "1"},
        ),
    ],
    ids=lambda value: str(value.get("type", next(iter(value)))),
)
def test_part_of_any_kind_is_kept(part: dict[str, Any], kept: dict[str, Any]) -> None:
    [(_, read)] = flatten(read_conversation([{"role": "user", "content": [part]}]))

    assert read == kept


def test_user_prompt_is_what_was_asked_since_the_last_answer() -> None:
    history: list[object] = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Two?"},
        {"role": "user", "content": "Quick!"},
    ]

    conversation = read_conversation(
        {"input": history, "output": [{"role": "model", "content": "Three."}]}
    )

    assert (conversation.user_prompt, conversation.response) == ("Two?\n\nQuick!", "Three.")


def test_text_is_one_message_of_the_user() -> None:
    assert read_conversation("Hi").user_prompt == "Hi"


def test_endless_messages_are_cut_with_a_note() -> None:
    loop: list[object] = []
    message = {"role": "user", "content": [{"type": "novelty", "again": loop}]}
    loop.append(message)

    conversation = read_conversation([message])

    assert conversation.notes == ("messages: too long, cut",)
    assert len(orjson.dumps(conversation.document)) < 100_000


NAMES = [
    "role",
    "content",
    "parts",
    "type",
    "text",
    "image",
    "source",
    "input",
    "tools",
    "tool_calls",
    "function",
    "toolResult",
    "system",
    "output",
    "inline_data",
]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(NAMES),
                inner | st.sampled_from(["image", "tool_use", "file", "text", "tool", "reasoning"]),
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
@example({"content": None, "input": {"type": []}})
def test_no_messages_raise(value: object) -> None:
    conversation = read_conversation(value)

    orjson.dumps(conversation.document)
    assert isinstance(conversation.user_prompt + conversation.system_prompt, str)


@pytest.mark.parametrize("name", ["image", "document", "video", "audio"])
def test_media_without_anything_inside_are_media_all_the_same(name: str) -> None:
    conversation = read_conversation([{"role": "user", "content": [{name: {}}, {"text": "Hi"}]}])

    [(_, media), (_, said)] = flatten(conversation)
    assert media["modality"] == name
    assert said == text("Hi")


TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(["", "data:a/b;base64,AAAA"])
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "content": TEXTS})
    | st.fixed_dictionaries({"type": st.just("reasoning"), "content": TEXTS}),
    max_size=3,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "human"])},
        optional={"parts": PARTS | st.none(), "content": TEXTS | st.none() | PARTS}
        | {"finish_reason": st.sampled_from(["stop", 3, None]), "name": st.just("n")},
    ),
    max_size=4,
)


@given(MESSAGES, PARTS)
def test_messages_of_text_alone_are_read_as_any_other(messages: Any, parts: Any) -> None:
    """What is no plain dictionary is always read at length."""
    at_length = [MappingProxyType(message) for message in messages]

    read = read_conversation({"system": parts, "input": messages, "output": messages[:2]})

    assert read == read_conversation(
        {"system": tuple(parts), "input": at_length, "output": at_length[:2]}
    )


def test_messages_in_the_form_that_is_written_are_copied() -> None:
    call = {"type": "tool_call", "id": "c", "name": "f", "arguments": {"x": 1}}
    messages = [
        {"role": "user", "name": "ann", "parts": [text("Hi"), {"type": "uri", "uri": "http://x"}]},
        {"role": "assistant", "parts": [call], "finish_reason": "tool_call"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "20"}]},
    ]

    conversation = read_conversation(messages)

    assert conversation.document == {"input": messages}
    assert (conversation.user_prompt, conversation.notes) == ("20", ())


def test_a_part_without_text_says_nothing() -> None:
    conversation = read_conversation([{"role": "user", "parts": [{"type": "text"}]}])

    assert (flatten(conversation), conversation.user_prompt) == ([("user", text(""))], "")


def test_calls_and_results_of_vercel_are_read() -> None:
    call = {"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": {"x": 1}}
    result = {"type": "tool-result", "toolCallId": "c", "toolName": "f"}
    conversation = read_conversation(
        [
            {"role": "assistant", "content": [call]},
            {"role": "tool", "content": [{**result, "output": {"type": "text", "value": "20"}}]},
            {"role": "tool", "content": [{**result, "result": "30"}]},
        ]
    )

    assert [part for _, part in flatten(conversation)] == [
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"x": 1}},
        {"type": "tool_call_response", "id": "c", "response": "20"},
        {"type": "tool_call_response", "id": "c", "response": "30"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "data": "iVBORw==", "mediaType": "image/png"},
        {"type": "image", "image": "iVBORw==", "mimeType": "image/png"},
        {"type": "image", "image": "data:image/png;base64,iVBORw=="},
        {"type": "uri", "modality": "image", "uri": "data:image/png;base64,iVBORw=="},
    ],
    ids=str,
)
def test_images_of_vercel_and_of_traceloop_are_kept_by_their_hash(part: dict[str, str]) -> None:
    [(_, image)] = flatten(read_conversation([{"role": "user", "content": [part]}]))

    assert (image["type"], image["modality"]) == ("blob", "image")
    assert (image["mime_type"], image["size_bytes"]) == ("image/png", 4)


def test_addresses_of_images_are_kept() -> None:
    part = {"type": "image", "image": "https://example.com/cat.png"}
    [(_, image)] = flatten(read_conversation([{"role": "user", "content": [part]}]))

    assert image == {"type": "uri", "modality": "image", "uri": "https://example.com/cat.png"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[", "]"),
        ('{"type":"tool_result","content":[', "]}"),
        ('{"type":"thinking","thinking":[', "]}"),
    ],
    ids=["lists", "results", "thoughts"],
)
def test_parts_that_nest_without_end_are_cut(before: str, after: str) -> None:
    nested = orjson.loads(before * 400 + after * 400)

    conversation = read_conversation([{"role": "user", "content": [nested]}])

    assert conversation.notes == ("messages: too long, cut",)
    orjson.dumps(conversation.document)


def test_ids_that_are_none_take_nothing_away() -> None:
    called = {"role": "assistant", "content": [{"id": "a"}], "tool_calls": [{"id": [1]}]}

    assert len(flatten(read_conversation([called]))) == 2
