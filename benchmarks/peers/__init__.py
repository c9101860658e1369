"""Other tools, each asked in the same run for what Forge is asked for."""
