"""Workflows: the deterministic order of a run's activities."""
