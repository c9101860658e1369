"""Pure text of the prompts: instructions and the sections of each kind of work."""
