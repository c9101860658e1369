"""The texts of a call, each exactly as it is stored; pure."""

from forge_obs import Interaction

from forge_cli.views.calls.reasoning import read_reasoning


def get_text(call: Interaction, name: str) -> str | None:
    """Return a text of a call; None where it is not on record.

    Args:
        call: The call.
        name: `prompt`, `system`, `response`, `reasoning`, `context`, or `raw` for the whole
            exchange.
    """
    if name == "raw":
        return _join_texts(call)
    texts = {
        "prompt": call.user_prompt,
        "system": call.system_prompt,
        "response": call.response,
        "reasoning": read_reasoning(call.messages_json),
        "context": call.context_manifest_json,
    }
    return texts[name]


def _join_texts(call: Interaction) -> str:
    """Put prompts and answer below each other, each below a line with its name and length."""
    texts = {
        "system prompt": call.system_prompt,
        "user prompt": call.user_prompt,
        "answer": call.response,
    }
    return "".join(
        f"--- {name}: {len(text):,} characters\n{text}\n"
        for name, text in texts.items()
        if text is not None
    )
