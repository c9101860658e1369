"""Tracer providers of a test's own, whose spans Forge records."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forge_obs import Interaction, get_engine, get_interactions
from forge_obs.otel import ForgeSpanProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from support.waiting import wait_until

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
}
"""What the span of a request says from the start."""


@contextmanager
def traced(
    task_id: str | None = None, *, service: str = "shop", sampler: Sampler = ALWAYS_ON
) -> Iterator[TracerProvider]:
    """Give a provider with Forge's processor, which is shut down in the end."""
    resource = Resource.create({"service.name": service} if service else {})
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(ForgeSpanProcessor(task_id))
    try:
        yield provider
    finally:
        provider.shutdown()


def list_calls(db: Path) -> list[Interaction]:
    """List the calls on record, none where there is no store yet."""
    return get_interactions(get_engine(db)) if db.exists() else []


def wait_for_status(db: Path, *statuses: str) -> list[Interaction]:
    """Wait until the calls on record have just these statuses."""
    calls: list[Interaction] = []

    def is_so() -> bool:
        calls[:] = list_calls(db)
        return sorted(call.status for call in calls) == sorted(statuses)

    wait_until(is_so, f"calls that are {statuses}")
    return calls
