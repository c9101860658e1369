"""Forge's engine: Temporal workflows that plan, write, validate and commit."""
