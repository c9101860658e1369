"""Spans of a run, exported as OpenTelemetry is configured."""
