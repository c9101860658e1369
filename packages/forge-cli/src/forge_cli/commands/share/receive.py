"""``forge receive``: calls of any instrumented program, on record."""

from forge_cli.exit_codes import ExitCode
from forge_cli.options.share.receive import IntakeOptions, ListenOptions


def receive(*, where: ListenOptions | None = None, intake: IntakeOptions | None = None) -> ExitCode:
    """Record the model calls of other programs, in any language.

    Until it is stopped, it takes what OpenTelemetry's exporters send (OTLP): spans and events that
    tell of a request to a model become calls on record, which `forge calls` lists; everything else
    is dropped. A sender is told that its spans have arrived when they are on disk. Prompts and
    answers are there if the sending program captures them.

    Args:
        where: Where it listens.
        intake: How much it takes.
    """
    from forge_cli.actions.share.receive import receive_calls  # noqa: PLC0415 - imports the server

    return receive_calls(where or ListenOptions(), intake or IntakeOptions())
