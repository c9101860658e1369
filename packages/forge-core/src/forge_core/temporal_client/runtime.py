"""The runtime below every Temporal client of this process."""

import logging
from functools import cache

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)


@cache
def get_runtime() -> Runtime:
    """Return the process's runtime, which logs to Python's `temporalio.core` logger.

    Left alone, the SDK's core writes its warnings to stdout, in the midst of our documents.
    """
    # Without the fields, which may hold what a workflow or an activity was given or returned.
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"), append_log_fields_to_message=False
    )
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(levels, forwarding)))
