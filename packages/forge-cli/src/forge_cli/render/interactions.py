"""Model calls as text, whole: nothing of a prompt or an answer is ever cut."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forge_core.pricing.rates import NEVER_SENT
from forge_obs import Interaction

from forge_cli.escape import escape, escape_line
from forge_cli.render.figures import describe_cost, format_milliseconds, format_moment
from forge_cli.render.table import align
from forge_cli.views.costs import NO_PRICES, Prices, is_refused, tally_call
from forge_cli.views.json_text import load_object, load_or_keep
from forge_cli.views.reasoning import read_reasoning

RULE = "─" * 72

SETTINGS = {
    "temperature": "temperature",
    "reasoning_effort": "reasoning effort",
    "max_output_tokens": "max output tokens",
    "service_tier": "tier",
    "timeout_s": "timeout in s",
}
"""Settings of a request that a user may have made, and their words."""

TIMEOUT_S = 600.0
"""Time limit of a request that nobody set; where it is defined, pydantic is imported with it."""

SHORT_ID = 8
"""Digits of an entry id that are shown; they name a call in all but the largest stores."""

SHORTEST_STREAM_MS = 1.0
"""Milliseconds from the first token to the last of which a speed can be told."""


OWN_ID = re.compile(r"[0-9a-f]+")
"""An id such as `record()` makes."""


def name_call(interaction: Interaction) -> str:
    """Return the id by which `forge show` finds a call, short where it is one of ours.

    Other programs' may all begin alike.
    """
    entry_id = interaction.entry_id or ""
    return escape_line(entry_id[:SHORT_ID] if OWN_ID.fullmatch(entry_id) else entry_id)


def render_interactions(interactions: Sequence[Interaction], prices: Prices = NO_PRICES) -> str:
    """Render calls in their order."""
    total = len(interactions)
    return "\n".join(
        render_interaction(interaction, f"call {number} of {total}", prices)
        for number, interaction in enumerate(interactions, start=1)
    )


def render_interaction(
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
    facts = [(label, value) for label, value in _facts(interaction, prices) if value]
    lines = [RULE, f"{title}: {_purpose(interaction)}"]
    lines += [f"{label:<10} {escape_line(value)}" for label, value in facts]
    lines += render_manifest(interaction.context_manifest_json)
    lines += _texts(interaction, changes)
    return "\n".join(lines) + "\n"


def _purpose(interaction: Interaction) -> str:
    parts = [interaction.role]
    if interaction.step_id:
        parts.append(f"step {interaction.step_id}")
    if interaction.sub_task_id:
        parts.append(f"sub-task {interaction.sub_task_id}")
    if interaction.step_attempt:
        parts.append(f"step attempt {interaction.step_attempt}")
    if interaction.attempt:
        parts.append(f"attempt {interaction.attempt}")
    if interaction.seq:
        parts.append(f"request {interaction.seq + 1}")
    if interaction.activity_attempt and interaction.activity_attempt > 1:
        parts.append(f"try {interaction.activity_attempt}")
    return escape_line(", ".join(parts))


def _facts(interaction: Interaction, prices: Prices) -> list[tuple[str, str]]:
    return [
        ("id", interaction.entry_id or ""),
        ("status", _describe_status(interaction)),
        ("outcome", _describe_outcome(interaction)),
        ("commit", interaction.commit_sha or ""),
        ("model", _describe_model(interaction)),
        ("tokens", _describe_tokens(interaction)),
        ("cost", _describe_cost(interaction, prices)),
        ("tier", interaction.service_tier or ""),
        ("latency", _describe_latency(interaction)),
        ("asked", _describe_form(interaction)),
        ("context", describe_stats(interaction.context_stats_json)),
        ("finish", interaction.finish_reason or ""),
        ("recorded", format_moment(interaction.created_at)),
        ("trace", interaction.trace_id or ""),
        ("session", interaction.session_id or ""),
        ("answer id", interaction.response_id or ""),
        ("request id", interaction.request_id or ""),
        ("error", _describe_error(interaction)),
        ("notes", interaction.notes or ""),
        ("broken", interaction.broken or ""),
    ]


def _describe_status(interaction: Interaction) -> str:
    if interaction.status == "started":
        return "outcome unknown: the request was sent, but no answer is on record"
    return interaction.status


def _describe_outcome(interaction: Interaction) -> str:
    parts = [part for part in (interaction.outcome, interaction.outcome_reason) if part]
    return ": ".join(parts)


def _describe_model(interaction: Interaction) -> str:
    requested = interaction.request_model
    model = interaction.model_name
    if requested and requested.partition(":")[2] != model and requested != model:
        model = f"{model} (requested {requested})"
    return model if interaction.origin == "provider" else f"{model} [{interaction.origin}]"


def _describe_latency(interaction: Interaction) -> str:
    """Say how long an answer took, and where it was streamed how fast its tokens came."""
    latency, first = interaction.latency_ms, interaction.first_token_ms
    if first is None:
        return format_milliseconds(latency)
    text = f"{format_milliseconds(latency)}, the first token after {format_milliseconds(first)}"
    if interaction.output_tokens and latency - first >= SHORTEST_STREAM_MS:
        speed = 1000 * interaction.output_tokens / (latency - first)
        text += f", {speed:,.0f} tokens/s"
    return text


def _describe_form(interaction: Interaction) -> str:
    """Say how a model was asked: what a user set, and what of the form is not the usual one."""
    params = load_object(interaction.params_json)
    usual = {"output_mode": "tool", "tool_choice": "required", "stream": True}
    parts = [
        f"{label} {params[name]}"
        for name, label in SETTINGS.items()
        if name in params and not (name == "timeout_s" and params[name] == TIMEOUT_S)
    ]
    parts += [
        f"{name} {str(params[name]).lower()}"
        for name, value in usual.items()
        if params.get(name, value) != value
    ]
    left_out = params.get("not_sent")
    if isinstance(left_out, list) and left_out:
        parts.append(f"without {', '.join(map(str, left_out))}, which the server refused")
    return ", ".join(parts)


def _describe_tokens(interaction: Interaction) -> str:
    if not interaction.usage_known:
        return "not reported"
    cached = _list_nonzero(
        (interaction.cache_read_tokens, "from cache"), (interaction.cache_write_tokens, "to cache")
    )
    reasoning = _list_nonzero((interaction.reasoning_tokens, "reasoning"))
    return f"{interaction.input_tokens:,} in{cached}, {interaction.output_tokens:,} out{reasoning}"


def _describe_cost(interaction: Interaction, prices: Prices) -> str:
    if interaction.error_type in NEVER_SENT:
        return "none: the request was not sent"
    if is_refused(interaction):
        return "none: the provider refused the request"
    return describe_cost(tally_call(interaction, prices), prices)


def _list_nonzero(*figures: tuple[int, str]) -> str:
    shown = ", ".join(f"{number:,} {what}" for number, what in figures if number)
    return f" ({shown})" if shown else ""


def _describe_error(interaction: Interaction) -> str:
    parts = [part for part in (interaction.error_type, interaction.error) if part]
    return ": ".join(parts)


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


COLUMNS = ("form", "tokens", "rank", "part", "reason")
"""Headings of the manifest."""


def describe_stats(stats_json: str | None) -> str:
    """Describe a context in one line; tokens are estimates and said to be."""
    stats = load_object(stats_json)
    if not stats:
        return ""
    share = stats.get("budget_utilization")
    percent = f" ({share:.1%} of the budget)" if isinstance(share, int | float) else ""
    parts = [
        f"about {stats.get('total_estimated_tokens')} tokens{percent}, an estimate",
        f"{stats.get('files_discovered')} files known",
        f"{stats.get('files_included_full')} shown in full",
        f"{stats.get('files_included_signatures')} as signatures",
        f"{stats.get('files_truncated')} shortened or left out for lack of room",
        f"map {stats.get('repo_map_tokens')} tokens",
    ]
    return ", ".join(parts + _describe_gaps(stats))


def render_manifest(manifest_json: str | None) -> list[str]:
    """Render a manifest as a table: each part with its form, tokens, rank and reason."""
    entries = load_or_keep(manifest_json)
    if not isinstance(entries, list) or not entries:
        return []
    rows = [COLUMNS, *(_describe_entry(entry) for entry in entries if isinstance(entry, dict))]
    lines = align(rows, right={1, 2})
    return ["", "manifest (tokens are estimates):", *(f"  {line.plain}".rstrip() for line in lines)]


def _describe_entry(entry: Mapping[str, Any]) -> tuple[str, ...]:
    kind, name = str(entry.get("kind", "")), str(entry.get("name") or "")
    rank = entry.get("rank")
    return tuple(
        escape_line(text)
        for text in (
            str(entry.get("form", "")),
            str(entry.get("tokens", "")),
            "" if rank is None else str(rank),
            name or kind.replace("_", " "),
            str(entry.get("reason", "")),
        )
    )


def _describe_gaps(stats: Mapping[str, Any]) -> list[str]:
    left_out, unparsed = stats.get("files_left_out"), stats.get("unparsed")
    gaps = []
    if isinstance(left_out, dict) and left_out:
        reasons = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
        gaps.append(f"left out by default: {reasons}")
    if isinstance(unparsed, list) and unparsed:
        listed = "; ".join(map(str, unparsed))
        gaps.append(f"{stats.get('files_unparsed')} without signatures ({listed})")
    return gaps
