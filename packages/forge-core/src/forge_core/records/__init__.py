"""What is kept of a run while it is under way."""
