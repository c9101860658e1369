"""Messages of a call in the form of OpenTelemetry's GenAI conventions. See D81."""
