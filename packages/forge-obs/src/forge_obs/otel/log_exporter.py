"""The exporter of logs named `forge`: content of requests, where events carry it.

`OTEL_LOGS_EXPORTER=forge` under `opentelemetry-instrument`. The SDK's logs are no stable part of it
yet, and had other names before version 1.39.

See D95.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from forge_obs.bulk import Fate
from forge_obs.environment.process import is_off
from forge_obs.otel.process_recorder import get_process_recorder

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
else:
    from opentelemetry.sdk._logs import export

    LogRecordExporter = getattr(export, "LogRecordExporter", None) or export.LogExporter
    LogRecordExportResult = getattr(export, "LogRecordExportResult", None) or export.LogExportResult


class ForgeLogExporter(LogRecordExporter):
    """Records what events of a program's log tell of requests to models."""

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        """Record a batch; it fails where the store lost some of it."""
        if is_off():
            return LogRecordExportResult.SUCCESS
        lost = Fate.LOST in get_process_recorder().record_logs(batch)
        return LogRecordExportResult.FAILURE if lost else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing: what was exported is on record."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Return True: what was exported is on record."""
        return True
