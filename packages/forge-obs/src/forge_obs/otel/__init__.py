"""Calls of a program that speaks OpenTelemetry already, on record without a changed line."""
