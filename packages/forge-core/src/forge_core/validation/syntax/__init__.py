"""Whether files can be parsed, found out without a tool, where that cannot mislead."""
