"""Commits of attempts: made, marked, brought together."""
