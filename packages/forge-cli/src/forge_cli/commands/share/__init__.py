"""Commands that make something for others."""
