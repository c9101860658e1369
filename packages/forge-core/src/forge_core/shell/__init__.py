"""Running commands: within bounds, and leaving nothing behind."""
