"""A workflow with an activity, and a child that has one too: a run with every kind of span."""

from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from forge_core.tracing.setup import activity_span, current_span_ids

TIMEOUT = timedelta(seconds=30)


@activity.defn
async def call_model(unit: str) -> str | None:
    """Open a span and tell which trace it belongs to."""
    with activity_span("forge.call_llm", {"forge.task_id": unit}):
        return current_span_ids()[0]


@workflow.defn
class Child:
    """Calls the activity."""

    @workflow.run
    async def run(self) -> str | None:
        """Return the trace that the activity saw."""
        return await workflow.execute_activity(call_model, "child", start_to_close_timeout=TIMEOUT)


@workflow.defn
class Parent:
    """Calls the activity, then a child that does."""

    @workflow.run
    async def run(self) -> list[str | None]:
        """Return the traces that both activities saw."""
        first = await workflow.execute_activity(
            call_model, "parent", start_to_close_timeout=TIMEOUT
        )
        return [first, await workflow.execute_child_workflow(Child.run)]
