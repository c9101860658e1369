"""Flight recorder for LLM calls: every interaction in one SQLite file."""
