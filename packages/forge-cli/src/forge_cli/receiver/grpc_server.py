"""The same over gRPC, by grpcio, an extra: 20 MB that most senders do not need. See D96."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from forge_core.errors import InfrastructureError, UsageError
from forge_obs.otel import Signal, encode_acceptance

from forge_cli.receiver.content import Body
from forge_cli.receiver.guard import Guard
from forge_cli.receiver.intake import Intake, log_internal_error
from forge_cli.receiver.limits import Limits
from forge_cli.receiver.refusal import Refusal
from forge_cli.receiver.tally import Tally

METHODS: Final[Mapping[str, Signal]] = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}

CALLS: Final = 8
"""Exports at a time; gRPC reads each as a whole before anybody sees it."""


class GrpcServer:
    """Takes exports over gRPC. Browsers cannot send these, so that the token is all there is.

    Args:
        guard: Who may send.
        limits: How much.
        intake: Where bodies go.
        tally: Told of what is refused.

    Raises:
        UsageError: The extra is not installed.
    """

    def __init__(self, guard: Guard, limits: Limits, intake: Intake, tally: Tally) -> None:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else its core prints on stderr
        try:
            import grpc  # noqa: PLC0415 - of an extra
        except ImportError as error:
            raise UsageError(
                "--grpc-port needs the extra: install forge-cli[grpc], or `pip install grpcio`"
            ) from error
        self._grpc = grpc
        self._guard = guard
        self._limits = limits
        self._intake = intake
        self._tally = tally
        self._server: Any = None

    async def start(self, host: str, port: int) -> int:
        """Begin to listen, and return the port.

        Raises:
            InfrastructureError: The port cannot be had.
        """
        self._server = self._grpc.aio.server(
            maximum_concurrent_rpcs=CALLS,
            options=[
                ("grpc.max_receive_message_length", self._limits.body_bytes),
                ("grpc.so_reuseport", 0),
            ],
        )
        self._server.add_generic_rpc_handlers((self._build_handlers(),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound = int(self._server.add_insecure_port(address))
        except RuntimeError:
            bound = 0
        if not bound:
            raise InfrastructureError(
                f"cannot listen on port {port} of {host} for gRPC: choose another by --grpc-port"
            )
        await self._server.start()
        return bound

    async def stop(self) -> None:
        """Take no more exports, and finish what is under way."""
        if self._server is not None:
            await self._server.stop(self._limits.stop_s)

    def _build_handlers(self) -> Any:  # noqa: ANN401 - of an extra
        grpc, export = self._grpc, self._export

        class Handlers(grpc.GenericRpcHandler):  # type: ignore[name-defined, misc]
            """Finds what answers a call of gRPC."""

            def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401
                """Return what takes the exports of a method; None for one that there is not."""
                signal = METHODS.get(handler_call_details.method)
                if signal is None:
                    return None
                return grpc.unary_unary_rpc_method_handler(partial(export, signal))

        return Handlers()

    async def _export(self, signal: Signal, body: bytes, context: Any) -> bytes:  # noqa: ANN401
        try:
            self._guard.check_token(
                value.encode() if isinstance(value, str) else value
                for key, value in context.invocation_metadata() or ()
                if key == "authorization"
            )
            if signal == "metrics":
                return encode_acceptance(signal, 0, "", is_json=False)
            return await self._intake.take(Body(signal, is_json=False, encoding="", content=body))
        except Refusal as error:
            refusal = error
        except Exception as error:
            refusal = log_internal_error(error)
        self._tally.add_problem(refusal.message)
        code = next(code for code in self._grpc.StatusCode if code.value[0] == refusal.code)
        await context.abort(code, refusal.message)
        raise refusal
