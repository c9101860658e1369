"""Talking to a Temporal server: connections, payloads, and what it knows of a run."""
