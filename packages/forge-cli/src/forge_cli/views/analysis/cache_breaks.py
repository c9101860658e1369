"""Where calls could have come from a provider's cache, and did not; pure.

Providers keep the beginning of a prompt for some minutes. What is the same as in an earlier call up
to the first section that differs is cheap; what stands behind it is paid again, also where it is
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from forge_obs import PROVIDER, STARTED, Interaction

from forge_cli.views.calls.sections import PromptSection, read_sections

CACHE_LIFE = timedelta(minutes=5)
"""How long providers keep a prompt's beginning at least."""

LEAST_CACHED = 1024
"""Tokens of a prompt's beginning from which providers keep it."""


@dataclass(frozen=True, slots=True)
class CacheBreak:
    """A call beside the earlier one with which it begins alike for longest."""

    call: Interaction
    earlier: Interaction
    common_tokens: int
    """Estimated tokens up to the first section that differs."""
    section: str
    """The title of that section; empty where the whole prompt is the same."""
    repeated_tokens: int
    """Estimated tokens behind it that the earlier prompt had, too, and that were paid again."""
    reported_tokens: int | None
    """Tokens that the provider took from its cache; None where it did not say."""

    @property
    def is_missed(self) -> bool:
        """Whether a cache could have given clearly more than it did."""
        reported = self.reported_tokens
        can_be_kept = self.common_tokens >= LEAST_CACHED
        is_unused = can_be_kept and reported is not None and reported < self.common_tokens / 2
        return bool(self.repeated_tokens) or is_unused


Prompt = tuple[Interaction, tuple[PromptSection, ...]]


def find_cache_breaks(calls: Sequence[Interaction]) -> list[CacheBreak]:
    """Compare each call, with its texts, with those of its model within the cache's life."""
    prompts: list[Prompt] = []
    breaks = []
    for call in sorted(calls, key=lambda call: (call.created_at, call.id or 0)):
        sections = read_sections(call)
        earlier = [prompt for prompt in prompts if _can_serve(prompt[0], call)]
        if earlier and sections:
            breaks.append(_compare((call, sections), earlier))
        prompts.append((call, sections))
    return breaks


def _can_serve(earlier: Interaction, call: Interaction) -> bool:
    """Return whether an earlier call's prompt can be in the cache when a call is sent.

    Those of a planner begin with other instructions, and share nothing with a writer's. See D54.
    """
    answered = earlier.created_at + timedelta(milliseconds=min(max(0.0, earlier.latency_ms), 1e12))
    is_kept = answered <= call.created_at <= answered + CACHE_LIFE
    if earlier.role != call.role:
        return False
    model = call.request_model or call.model_name
    return is_kept and model == (earlier.request_model or earlier.model_name)


def _compare(later: Prompt, earlier: Sequence[Prompt]) -> CacheBreak:
    call, sections = later
    best, count = max(
        ((prompt, _count_common(prompt[1], sections)) for prompt in earlier),
        key=lambda item: (sum(s.tokens for s in sections[: item[1]]), item[0][0].created_at),
    )
    earlier_texts = {section.text for section in best[1]}
    repeated = sum(s.tokens for s in sections[count + 1 :] if s.text in earlier_texts)
    return CacheBreak(
        call=call,
        earlier=best[0],
        common_tokens=sum(section.tokens for section in sections[:count]),
        section=sections[count].title if count < len(sections) else "",
        repeated_tokens=repeated,
        reported_tokens=call.cache_read_tokens if _is_reported(call) else None,
    )


def _is_reported(call: Interaction) -> bool:
    """Return whether the provider said how much its cache gave; many servers say nothing of it."""
    if call.origin != PROVIDER or not call.usage_known or call.status == STARTED:
        return False
    return call.usage_json is None or "cache" in call.usage_json


def _count_common(old: Sequence[PromptSection], new: Sequence[PromptSection]) -> int:
    pairs = zip(old, new, strict=False)
    count = 0
    for a, b in pairs:
        if (a.title, a.text) != (b.title, b.text):
            break
        count += 1
    return count
