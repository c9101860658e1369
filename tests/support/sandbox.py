"""The SDK's sandbox, in which workflow code must not do what a replay could do otherwise."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSTHROUGH = ("forge_core", "forge_obs", "opentelemetry", "orjson", "pydantic", "pydantic_core")
"""Modules that workflow code shares with the process instead of importing them anew."""


def build_sandbox() -> SandboxedWorkflowRunner:
    """Build what executes workflow code in a sandbox."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSTHROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)
