"""Runs as text: the list of them, and one with the tree of its attempts; pure."""
