"""Checks of Python files by ruff: what a change made of them, not what they were before."""
