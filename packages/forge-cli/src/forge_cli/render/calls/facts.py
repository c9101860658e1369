"""What is known of one call besides its texts, each fact in a line."""

import re
from collections.abc import Mapping
from typing import Any

from forge_core.pricing.rates import NEVER_SENT
from forge_obs import STARTED, Interaction

from forge_cli.escape import escape_line
from forge_cli.render.figures import (
    describe_cost,
    format_milliseconds,
    format_moment,
    name_retry,
)
from forge_cli.views.costs import Prices, is_refused, is_simulated, tally_call
from forge_cli.views.json_text import load_object

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


def describe_purpose(interaction: Interaction) -> str:
    """Say what a call was for: role, step, sub-task, attempt and request."""
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
    if retry := name_retry(interaction.activity_attempt):
        parts.append(retry)
    return escape_line(", ".join(parts))


def list_facts(interaction: Interaction, prices: Prices) -> list[tuple[str, str]]:
    """List what is known of a call, each fact with its label; an empty one is unknown."""
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
    if interaction.status == STARTED and not latency:
        return "unknown"
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
    simulated = ", simulated by the script" if is_simulated(interaction) else ""
    tokens = f"{interaction.input_tokens:,} in{cached}, {interaction.output_tokens:,} out"
    return f"{tokens}{reasoning}{simulated}"


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
