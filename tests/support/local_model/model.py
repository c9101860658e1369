"""A language model of three hundred tokens that answers in any form that it is held to.

Its next token depends on the last one alone: embeddings are unit vectors, the attention adds
nothing, and the output matrix holds how likely one token follows another. Among what the server's
grammar allows, it prefers what ends soon: null, an empty list, a short text.
"""

import math
from array import array
from collections.abc import Mapping
from pathlib import Path

from support.local_model.gguf import Tensor, Value, write_gguf

PATH = "notes.md"
"""The file that it writes, whatever it is asked for."""

WORDS = (
    *("the", "year", "has", "many", "days", "and", "some", "of", "them", "are", "long", "while"),
    *("others", "seem", "short", "to", "whoever", "waits", "for", "what", "comes", "after", "all"),
)
"""What it writes at random, some twenty before a full stop; at temperature 0 it never stops."""

SPOKEN = "Of course! Here is a note."
"""What it says where nothing holds it to a form."""

TOLD = f'{{"explanation":"told","files":[{{"file_path":"{PATH}","content":"Told.\\n"}}]}}'
"""What it says where only words tell it of a form."""

BYTES = tuple(map(chr, range(256)))
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|told|>", "<|free|>")
MARKS = ("<tool_call>", "</tool_call>", "<text>", "</text>")
FILE = f'"files":[{{"file_path":"{PATH}","content":"'
STEP = '"steps":[{"step_id":"'
LAST_WORD = ".\\n"
VALUES = ('":null', '":[]', '":false', '":"', '":[{')
"""Ends of a key with the beginning of its value, that which ends soonest first."""

MORE_WORDS = tuple(f" {word}" for word in WORDS)
TOKENS = (
    *BYTES, *CONTROL, *MARKS, FILE, STEP, LAST_WORD, *VALUES, *WORDS, *MORE_WORDS, SPOKEN, TOLD,
)  # fmt: skip

TEMPLATE = """\
{%- if tools -%}
<|im_start|>tools
{% for tool in tools -%}
{{ tool | tojson }}
{% endfor -%}
<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' and message.content -%}
<text>{{ message.content }}</text>
{%- elif message.content -%}
{{ message.content }}
{%- endif -%}
{%- for call in message.tool_calls or [] -%}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% if not tools -%}
{{ '<|told|>' if 'JSON Schema' in messages[0].content else '<|free|>' }}
{%- endif -%}
{%- endif -%}
"""
"""What the server makes of messages and tools.

It wraps text as well as calls: a server that sees that lets no prose come before a forced call.
"""

WIDTH, HEAD = 352, 32
"""Dimensions of the model and of its one head; the first is no less than there are tokens."""

NEVER = 1e-300


def write_model(path: Path) -> None:
    """Write the model's file: two megabytes, in a moment."""
    write_gguf(path, _describe(), _build_tensors())


def _describe() -> dict[str, Value]:
    control, user_defined, normal = 3, 4, 1
    kinds = [
        control if token in CONTROL else user_defined if token in MARKS else normal
        for token in TOKENS
    ]
    return {
        "general.architecture": "llama",
        "general.name": "last-token",
        "llama.context_length": 65_536,
        "llama.embedding_length": WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": HEAD,
        "llama.attention.head_count": 1,
        "llama.attention.head_count_kv": 1,
        "llama.attention.key_length": HEAD,
        "llama.attention.value_length": HEAD,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.rope.dimension_count": HEAD,
        "llama.vocab_size": len(TOKENS),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": [_spell(token) for token in TOKENS],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": TOKENS.index("<|endoftext|>"),
        "tokenizer.ggml.eos_token_id": TOKENS.index("<|im_end|>"),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }


def _spell(token: str) -> str:
    """Spell a token as GPT-2's vocabulary does, which has a printable letter for each byte."""
    if token in CONTROL or token in MARKS:
        return token
    return "".join(map(LETTERS.__getitem__, token))


def _build_letters() -> dict[str, str]:
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): chr(b) for b in printable} | {
        chr(b): chr(256 + n) for n, b in enumerate(others)
    }


LETTERS = _build_letters()


def _build_tensors() -> dict[str, Tensor]:
    count = len(TOKENS)
    unit, output = _zeros(WIDTH * count), _zeros(WIDTH * count)
    rows = {token: row for row, token in enumerate(TOKENS)}
    scale = math.sqrt(WIDTH)  # to which the norm stretches a unit vector
    for row in range(count):
        unit[row * WIDTH + row] = 1.0
        for column in range(count):
            output[row * WIDTH + column] = math.log(NEVER) / scale
    for last, weights in _build_weights().items():
        for token, weight in weights.items():
            output[rows[token] * WIDTH + rows[last]] = math.log(weight) / scale
    ones = array("f", [1.0]) * WIDTH
    return {
        "token_embd.weight": Tensor(unit, WIDTH, count),
        "output_norm.weight": Tensor(ones, WIDTH),
        "output.weight": Tensor(output, WIDTH, count),
        "blk.0.attn_norm.weight": Tensor(ones, WIDTH),
        "blk.0.ffn_norm.weight": Tensor(ones, WIDTH),
        "blk.0.attn_q.weight": Tensor(_zeros(WIDTH * HEAD), WIDTH, HEAD),
        "blk.0.attn_k.weight": Tensor(_zeros(WIDTH * HEAD), WIDTH, HEAD),
        "blk.0.attn_v.weight": Tensor(_zeros(WIDTH * HEAD), WIDTH, HEAD),
        "blk.0.attn_output.weight": Tensor(_zeros(HEAD * WIDTH), HEAD, WIDTH),
        "blk.0.ffn_gate.weight": Tensor(_zeros(WIDTH * HEAD), WIDTH, HEAD),
        "blk.0.ffn_up.weight": Tensor(_zeros(WIDTH * HEAD), WIDTH, HEAD),
        "blk.0.ffn_down.weight": Tensor(_zeros(HEAD * WIDTH), HEAD, WIDTH),
    }


def _zeros(count: int) -> "array[float]":
    return array("f", bytes(4 * count))


def _build_weights() -> Mapping[str, Mapping[str, float]]:
    """Return how likely a token follows another; what is not listed hardly ever does."""
    printable = [chr(code) for code in range(33, 127)]
    anything = _rank(*VALUES, *printable, " ")
    ended = _rank("]", ",", "}", "\n", "</text>", "<|im_end|>", *printable, " ")
    begun = _rank(FILE, STEP, '"', *printable)
    words = dict.fromkeys(MORE_WORDS, 1.0) | {" long": 2.0, LAST_WORD: 1.5, '"': NEVER**0.5}
    return {
        **dict.fromkeys(BYTES, anything),
        **dict.fromkeys(('"', "]", "}", *VALUES[:3]), ended),
        **dict.fromkeys(("{", ",", '":[{'), begun),
        **dict.fromkeys((*WORDS, *MORE_WORDS), words),
        **dict.fromkeys((FILE, STEP, '":"'), dict.fromkeys(WORDS, 1.0)),
        LAST_WORD: {'"': 1.0},
        "\n": _rank("<tool_call>", "</tool_call>", "{", *printable),
        "<|free|>": _rank(SPOKEN, "<text>", "{"),
        "<|told|>": {TOLD: 1.0},
        "<text>": {"{": 1.0},
        "<tool_call>": {"\n": 1.0},
        **dict.fromkeys((SPOKEN, TOLD, "</tool_call>", "</text>"), _rank("<|im_end|>")),
    }


def _rank(*tokens: str) -> dict[str, float]:
    """Prefer each token by far to the next."""
    return {token: 100.0**-place for place, token in enumerate(tokens)}
