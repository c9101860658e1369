"""The completion hook named `forge` of `opentelemetry-util-genai`: content, whatever spans carry.

`OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK=forge` has instrumentations hand over the messages of a
request at its end, though neither its span nor an event has them. The package of the hook is not
needed here: it asks for a method, not for a class.

See D95.
"""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span

from forge_obs.environment.observed import is_observed
from forge_obs.environment.process import is_off
from forge_obs.otel.calls.told import measure
from forge_obs.otel.process_recorder import SpanOfInterest, get_process_recorder


class ForgeCompletionHook:
    """Puts the content of a request into the row of its span."""

    def on_completion(
        self,
        *,
        inputs: Sequence[object] = (),
        outputs: Sequence[object] = (),
        system_instruction: Sequence[object] = (),
        tool_definitions: Sequence[object] | None = None,
        span: Span | None = None,
        **_: object,
    ) -> None:
        """Queue what was said; a thread of its own reads it, with the span as it is then.

        Args:
            inputs: Messages that were sent.
            outputs: Messages that came back.
            system_instruction: Parts of the system prompt.
            tool_definitions: Tools that the model may call.
            span: The request's span; without one that is recorded, nothing names the request.
        """
        if not isinstance(span, ReadableSpan) or is_off() or is_observed():
            return
        said = {
            "gen_ai.input.messages": list(inputs),
            "gen_ai.output.messages": list(outputs),
            "gen_ai.system_instructions": list(system_instruction),
            "gen_ai.tool.definitions": list(tool_definitions or ()),
        }
        content = {name: value for name, value in said.items() if value}
        if content:
            item = SpanOfInterest(span, content=content)
            get_process_recorder().put(item, measure(content) + measure(span.attributes))
