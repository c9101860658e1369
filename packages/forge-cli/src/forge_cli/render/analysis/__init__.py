"""Where a run's time and tokens went, as text and JSON; pure."""
