"""What becomes of a row that stands: merged, kept apart, given facts."""
