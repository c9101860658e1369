"""Model calls as text, whole: nothing of a prompt or an answer is ever cut."""

from collections.abc import Sequence

from forge_obs import Interaction

from forge_cli.escape import escape, escape_line
from forge_cli.render.calls.facts import describe_purpose, list_facts
from forge_cli.render.calls.manifest import render_manifest
from forge_cli.views.calls.reasoning import read_reasoning
from forge_cli.views.costs import NO_PRICES, Prices

RULE = "─" * 72


def render_interactions(interactions: Sequence[Interaction], prices: Prices = NO_PRICES) -> str:
    """Render calls in their order."""
    total = len(interactions)
    return "\n".join(
        _render_interaction(interaction, f"call {number} of {total}", prices)
        for number, interaction in enumerate(interactions, start=1)
    )


def _render_interaction(
    interaction: Interaction,
    title: str,
    prices: Prices = NO_PRICES,
    *,
    changes: str | None = None,
) -> str:
    """Render one call: what it was for, what it cost, then its texts.

    Args:
        interaction: The call.
        title: Its first line.
        prices: Prices of its model.
        changes: What its answer changes, rendered; None to print the answer as it is stored.
    """
    facts = [(label, value) for label, value in list_facts(interaction, prices) if value]
    lines = [RULE, f"{title}: {describe_purpose(interaction)}"]
    lines += [f"{label:<10} {escape_line(value)}" for label, value in facts]
    lines += render_manifest(interaction.context_manifest_json)
    lines += _texts(interaction, changes)
    return "\n".join(lines) + "\n"


def _texts(interaction: Interaction, changes: str | None) -> list[str]:
    response = interaction.response
    if changes is not None:
        answer = ["answer (--response prints it as it is stored):", changes]
    else:
        answer = ["response: none"] if response is None else ["response:", escape(response)]
    reasoning = read_reasoning(interaction.messages_json)
    return [
        "",
        "system prompt:",
        escape(interaction.system_prompt),
        "",
        "user prompt:",
        escape(interaction.user_prompt),
        "",
        *([] if reasoning is None else ["reasoning:", escape(reasoning), ""]),
        *answer,
    ]
