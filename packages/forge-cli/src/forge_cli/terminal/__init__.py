"""The terminal: output, prompts, pager, signals and failures."""
