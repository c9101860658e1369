"""The directory where Forge keeps what outlives a command: where it is, and its files."""
