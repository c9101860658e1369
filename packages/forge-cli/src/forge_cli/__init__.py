"""The forge command: run LLM tasks on a git repository and inspect every call."""
