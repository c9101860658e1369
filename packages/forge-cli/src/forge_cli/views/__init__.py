"""What there is to show of runs and calls, before it becomes text; pure."""
