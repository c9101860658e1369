"""Carrying out a run and telling its progress."""
